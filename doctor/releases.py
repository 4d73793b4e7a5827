"""The releases that can be recommended: final, not yanked, with the Pythons they run on. Read from `data/releases.json`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.version import Version

from doctor.matrix_file import builtin_file


@dataclass(frozen=True, slots=True)
class Release:
    """A release that can be recommended."""

    version: Version
    requires_python: str
    """A PEP 440 specifier set; empty when the release names none."""


Releases = Mapping[str, tuple[Release, ...]]
"""Oldest first, by normalised package name."""


@functools.cache
def known_releases() -> Releases:
    """Every recommendable release of the matrix's packages, as of the day the list was refreshed."""
    data = json.loads((builtin_file().parent / "releases.json").read_text("utf-8"))
    return {
        package: tuple(Release(Version(version), requires_python) for version, requires_python in releases.items())
        for package, releases in data["packages"].items()
    }
