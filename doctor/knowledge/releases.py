"""The final releases of the matrix's packages, with the Pythons they run on. Read from `data/releases.json`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

from packaging.version import Version

from doctor.facts.frozen import Frozen
from doctor.knowledge.matrix_file import builtin_file


class Release(Frozen):
    """A final release."""

    version: Version
    requires_python: str
    """A PEP 440 specifier set; empty when the release names none."""
    yanked: bool = False
    """Withdrawn by its maintainers (PEP 592): never recommended."""


Releases = Mapping[str, tuple[Release, ...]]
"""Oldest first, by normalised package name."""


@functools.cache
def known_releases() -> Releases:
    """Every final release of the matrix's packages, as of the day the list was refreshed; `null` in the file marks a yanked one."""
    data = json.loads((builtin_file().parent / "releases.json").read_text("utf-8"))
    return {
        package: tuple(Release(Version(version), requires_python or "", requires_python is None) for version, requires_python in releases.items())
        for package, releases in data["packages"].items()
    }
