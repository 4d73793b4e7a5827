"""What is known of an advisory release by release: what a reproducer did there, and where nothing was run what the ranges say."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.version import InvalidVersion, Version

from doctor.facts.observation import Verdict
from doctor.knowledge.evidence import VERDICTS, Evidence, release_of, relevant_verdicts, verdicts_by_environment
from doctor.knowledge.matrix import Advisory, parse_version
from doctor.knowledge.releases import Releases

State = Literal["reproduced", "not reproduced", "not applicable", "affected", "not affected"]
"""The first three were seen; the other two are what the matrix says of a release where nothing was run."""


@dataclass(frozen=True)
class Stretch:
    """Neighbouring releases of which the same is known."""

    state: State
    first: Version
    last: Version
    count: int
    here: bool = False
    """Whether the installed release is among them."""


def swept_releases(package: str, evidence: Evidence) -> list[Version]:
    """The releases of a package that reproducers were run on, oldest first."""
    return sorted({release_of(label) for label in evidence.environments.get(package, {})})


Pair = tuple[Version, Version]
"""A release of transformers and one of accelerate."""


def pairs_of(advisory: Advisory, package: str, evidence: Evidence) -> Mapping[Pair, Verdict]:
    """What the reproducer did in the environments that were made for a pair of releases, where it is at stake.

    Where it failed in one of a pair, with another torch perhaps, it failed.
    """
    found: dict[Pair, Verdict] = {}
    by_environment = verdicts_by_environment(advisory, package, evidence)
    for known in VERDICTS:
        for label in (label for label, verdict in by_environment.items() if verdict == known):
            pair = _pair(label, package)
            if pair is not None:
                found[pair] = known
    return found


def _pair(label: str, package: str) -> Pair | None:
    """None where the label names only one of the two: what is not named was chosen to go with it."""
    release, *others = label.split(" with ")
    named = {package: release, **{name: version for name, _, version in (each.partition("==") for each in others)}}
    return (Version(named["transformers"]), Version(named["accelerate"])) if {"transformers", "accelerate"} <= named.keys() else None


def strip_of(advisory: Advisory, package: str, installed: str | None, evidence: Evidence, releases: Releases) -> tuple[Stretch, ...]:
    """Every release of `package`, oldest first, in stretches. One that is `here` ends where the installed version stands."""
    verdicts = relevant_verdicts(advisory, package, evidence)
    ranges = next((each.ranges for each in advisory.affected if each.package == package), ())
    here = _parsed(installed)
    versions = sorted({*(each.version for each in releases.get(package, ())), *verdicts, *((here,) if here else ())})

    def state(version: Version) -> State:
        seen = verdicts.get(version)
        if seen in ("reproduced", "not reproduced", "not applicable"):
            return seen
        return "affected" if any(version in each for each in ranges) else "not affected"

    return tuple(_stretches([(version, state(version)) for version in versions], here))


def _stretches(cells: Sequence[tuple[Version, State]], here: Version | None) -> Iterator[Stretch]:
    for state, group in itertools.groupby(cells, key=lambda cell: cell[1]):
        versions = [version for version, _ in group]
        if here in versions:
            cut = versions.index(here) + 1
            yield Stretch(state, versions[0], versions[cut - 1], cut, here=True)
            versions = versions[cut:]
        if versions:
            yield Stretch(state, versions[0], versions[-1], len(versions))


def _parsed(version: str | None) -> Version | None:
    try:
        return parse_version(version) if version else None
    except InvalidVersion:
        return None
