"""Which build of torch is here, and where others of the same build come from. Pure."""

from __future__ import annotations

import re

from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen

_BUILD = re.compile(r"cpu|cu\d{2,3}|rocm\d+(?:\.\d+)*|xpu")
_PYTORCH = "https://download.pytorch.org/whl"
"""PyTorch's own index has a folder for each build, https://pytorch.org/get-started/locally/."""


class Channel(Frozen):
    """A line of torch's releases that are built alike."""

    build: str
    """The local part of the version, `cpu` or `cu124`; empty for the releases on the package index."""
    index: str | None
    """The address of the index that has them; None for the usual one."""

    def pinned(self, version: str) -> str:
        """A release in this build, as a version."""
        return f"{version}+{self.build}" if self.build else version


PACKAGE_INDEX = Channel("", None)


def torch_channel(environment: Environment) -> Channel | None:
    """Where torch's build comes from; None where that is not known, as of a vendor's wheel, a conda package or a source tree."""
    torch = environment.packages.get("torch")
    if torch is None or torch.version is None or torch.origin not in ("index", "archive") or torch.installer == "conda":
        return None
    build = torch.version.partition("+")[2]
    if not build:
        return PACKAGE_INDEX
    return Channel(build, f"{_PYTORCH}/{build}") if _BUILD.fullmatch(build) else None
