"""The final releases of the matrix's packages, with the Pythons they run on. Read from `data/releases.json`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

from packaging.version import Version

from doctor.facts.frozen import Frozen
from doctor.knowledge.matrix import Matrix
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


def known_releases(matrix: Matrix | None = None) -> Releases:
    """Every final release of the matrix's packages, as of the day the list was refreshed, and those that `matrix` brings of its own."""
    listed = _listed()
    brought = {package: coverage.releases for package, coverage in matrix.packages.items() if coverage.releases} if matrix is not None else {}
    return {**listed, **{package: _with(package, releases) for package, releases in brought.items()}} if brought else listed


@functools.cache
def _file() -> Mapping[str, Mapping[str, str | None]]:
    packages: Mapping[str, Mapping[str, str | None]] = json.loads((builtin_file().parent / "releases.json").read_text("utf-8"))["packages"]
    return packages


@functools.cache
def _listed() -> Releases:
    return {package: tuple(_release(*each) for each in releases.items()) for package, releases in _file().items()}


def _with(package: str, brought: Mapping[str, str | None]) -> tuple[Release, ...]:
    """What is brought outweighs what was listed before: a release may have been withdrawn since."""
    listed, known = _listed().get(package, ()), _file().get(package, {})
    news = [_release(version, requires) for version, requires in brought.items() if version not in known or known[version] != requires]
    if not news:
        return listed
    by_version = {each.version: each for each in (*listed, *news)}
    return tuple(by_version[version] for version in sorted(by_version))


def _release(version: str, requires_python: str | None) -> Release:
    """`null` in a file marks a yanked one."""
    return Release(Version(version), requires_python or "", requires_python is None)
