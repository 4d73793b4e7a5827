"""What put the packages into this environment, so that the upgrade is said in its language."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from doctor.facts.environment import Distribution, Manager

_LOCKS: Mapping[str, Manager] = {
    "uv.lock": Manager("uv-project"),
    "poetry.lock": Manager("poetry"),
    "pdm.lock": Manager("pdm"),
}


def environment_manager(prefix: Path, directory: Path, distributions: Iterable[Distribution], has_pip: bool) -> Manager:
    """The project manager whose lock file lies beside the environment, else uv where uv made it or pip is not there, else pip."""
    if prefix.parent.parent.name == ".pixi":
        return Manager("pixi", str(prefix.parent.parent.parent))
    installers = [each.installer for each in distributions if each.installer]
    if prefix.name == ".venv":
        for lock, manager in _LOCKS.items():
            if os.path.isfile(prefix.parent / lock):
                return Manager(manager.name, str(prefix.parent))
    if "poetry" in installers and os.path.isfile(directory / "poetry.lock"):
        return Manager("poetry", str(directory))
    return Manager("uv") if "uv" in installers or not has_pip else Manager("pip")
