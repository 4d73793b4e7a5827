"""What of the matrix lives in which releases, as numbers into the list of a package's releases: what the pages compare."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.version import Version

from doctor.knowledge.matrix import Advisory, AffectedRange, Matrix
from doctor.knowledge.releases import Releases

Interval = tuple[int, int]
"""Releases by their place in the list, half-open."""


@dataclass(frozen=True)
class Stretch:
    """Neighbouring releases in which the same advisories live."""

    first: Version
    last: Version
    count: int
    ids: tuple[str, ...]
    new: tuple[str, ...]
    """Those that the release before had not; all of them in the first stretch."""
    gone: tuple[str, ...]
    """Those that the release before had."""


def packages_of(matrix: Matrix, releases: Releases) -> Mapping[str, tuple[Version, ...]]:
    """The packages that advisories are about, each with its releases, oldest first."""
    named = {affected.package for advisory in matrix.advisories for affected in advisory.affected}
    return {name: tuple(each.version for each in releases[name]) for name in sorted(named) if name in releases}


def intervals_of(advisory: Advisory, packages: Mapping[str, Sequence[Version]]) -> Mapping[str, tuple[Interval, ...]]:
    """By package, where in its releases the advisory lives; conditions on anything else aside."""
    return {
        affected.package: tuple(_intervals(affected.ranges, packages[affected.package]))
        for affected in advisory.affected
        if affected.package in packages
    }


def _intervals(ranges: Sequence[AffectedRange], versions: Sequence[Version]) -> Iterator[Interval]:
    at = 0
    for inside, group in itertools.groupby(any(version in each for each in ranges) for version in versions):
        end = at + len(list(group))
        if inside:
            yield at, end
        at = end


def stretches_of(package: str, versions: Sequence[Version], matrix: Matrix) -> tuple[Stretch, ...]:
    """The releases of a package, oldest first, in stretches."""
    holding = [(advisory.id, affected.ranges) for advisory in matrix.advisories for affected in advisory.affected if affected.package == package]

    def ids(version: Version) -> tuple[str, ...]:
        return tuple(advisory for advisory, ranges in holding if any(version in each for each in ranges))

    found: list[Stretch] = []
    before: tuple[str, ...] = ()
    for here, group in itertools.groupby(versions, key=ids):
        inside = list(group)
        new, gone = (tuple(each for each in one if each not in other) for one, other in ((here, before), (before, here)))
        found.append(Stretch(inside[0], inside[-1], len(inside), here, new, gone))
        before = here
    return tuple(found)
