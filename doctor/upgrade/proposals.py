"""Sets of releases that would clear findings, the smallest change first, as far as a matrix can tell. Pure.

A resolver has the last word on each: it knows what the packages declare, the matrix what they do not. So there are several, in order,
and unlike `plan` they also go back to older releases, and are not bound by what other distributions declare: those may be moved along.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Container, Iterator, Mapping, Sequence

from packaging.version import Version

from doctor.facts.environment import Distribution, Environment
from doctor.facts.frozen import Frozen, replace
from doctor.knowledge.matching import installed_version, match, match_with
from doctor.knowledge.matrix import Advisory, Matrix, parse_version
from doctor.knowledge.releases import Releases
from doctor.upgrade.channel import torch_channel
from doctor.upgrade.plan import KINDS_AN_UPGRADE_ANSWERS, admits, by_package

_MOST_PACKAGES = 3
_BEAM = 60
"""Of the sets of one size, so many are tried with another package."""
_MOST = 40
"""Proposals."""


class Target(Frozen):
    """One package, and the release it is to be moved to."""

    package: str
    """The distribution."""
    from_: str
    """The version installed."""
    to: str
    """The release; of torch with the build it has now."""
    clears: tuple[str, ...]
    """Ids of the findings that have to do with this package and do not hold any more."""


class Proposal(Frozen):
    """What to move, and what that does."""

    targets: tuple[Target, ...]
    """What to move."""
    keeps: tuple[str, ...]
    """Findings that would still hold."""
    brings: tuple[str, ...]
    """What is tolerated, does not hold now, and would."""


class Weights(Frozen):
    """What holds with some versions, of what is weighed."""

    keeps: tuple[str, ...]
    """Findings that still hold."""
    refused: tuple[str, ...]
    """What nothing may bring, and these would."""
    brings: tuple[str, ...]
    """What is tolerated, and new."""


class Weighing(Frozen):
    """The question: what is to be cleared, and what may be brought."""

    matrix: Matrix
    held: frozenset[str]
    """All that hold before."""
    findings: tuple[str, ...]
    """Those that are to be cleared."""
    tolerated: frozenset[str]

    @property
    def new(self) -> tuple[Advisory, ...]:
        """Bugs and incompatibilities that do not hold before."""
        return tuple(each for each in self.matrix.advisories if each.id not in self.held and each.kind in KINDS_AN_UPGRADE_ANSWERS)

    def weights(self, environment: Environment) -> Weights:
        """What holds of it in an environment."""
        holds = {each.id for each in self.matrix.advisories if match(each, environment) is not None}
        new = [each.id for each in self.new if each.id in holds]
        return Weights(
            keeps=tuple(each for each in self.findings if each in holds),
            refused=tuple(each for each in new if each not in self.tolerated),
            brings=tuple(each for each in new if each in self.tolerated),
        )


class _State(Frozen):
    """An environment with some packages moved."""

    environment: Environment
    moved: Mapping[str, tuple[str, int]]
    """By package: the release, and how many releases lie between it and the installed one, less than none for an older one."""
    weights: Weights
    distance: int


def proposals(environment: Environment, weighing: Weighing, releases: Releases, *, latest: bool = False) -> tuple[Proposal, ...]:
    """What to move, best first; nothing where no set of releases clears any of the findings.

    Best is what leaves fewest of the findings, moves the fewest packages, goes back with the fewest, and moves them least far; with
    `latest` it is what leaves fewest, and is nearest to the newest releases.
    """
    if not weighing.findings:
        return ()
    search = _Search(weighing, releases, latest, by_package(weighing.matrix, _relevant(weighing)))
    start = _State(environment, {}, weighing.weights(environment), 0)
    found: dict[tuple[tuple[str, str], ...], _State] = {}
    beam = [start]
    for _ in range(_MOST_PACKAGES):
        reached = {_key(each): each for state in beam for each in search.further(state)}
        found.update(reached)
        beam = sorted(reached.values(), key=search.promise)[:_BEAM]
    good = [each for each in found.values() if not each.weights.refused and len(each.weights.keeps) < len(weighing.findings)]
    needed = [each for each in good if not _has_more_than_it_needs(each, found)]
    ordered = sorted(needed, key=search.rank)[:_MOST]
    return tuple(_proposal(each, start, weighing) for each in ordered)


def moved_to(environment: Environment, versions: Mapping[str, str]) -> Environment:
    """The environment with these versions of packages, as releases from an index."""
    moved = {package: Distribution(package, version, "metadata") for package, version in versions.items()}
    return replace(environment, packages={**environment.packages, **moved})


def _relevant(weighing: Weighing) -> Container[str]:
    return frozenset((*weighing.findings, *(each.id for each in weighing.new)))


def _key(state: _State) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((package, to) for package, (to, _) in state.moved.items()))


def _has_more_than_it_needs(state: _State, found: Mapping[tuple[tuple[str, str], ...], _State]) -> bool:
    """Whether the same without one of the packages does as much."""
    whole = _key(state)
    fewer = (found.get(tuple(each for each in whole if each[0] != package)) for package in state.moved)
    return any(each is not None and not each.weights.refused and set(each.weights.keeps) <= set(state.weights.keeps) for each in fewer)


def _proposal(state: _State, start: _State, weighing: Weighing) -> Proposal:
    cleared = [each for each in weighing.findings if each not in state.weights.keeps]
    speaks = by_package(weighing.matrix, frozenset(cleared))
    targets = []
    for package, (to, _) in state.moved.items():
        clears = tuple(each.id for each in speaks.get(package, ()))
        targets.append(Target(package, start.environment.packages[package].version or "", to, clears))
    return Proposal(tuple(targets), state.weights.keeps, state.weights.brings)


class _Search(Frozen):
    weighing: Weighing
    releases: Releases
    latest: bool
    by_package: Mapping[str, Sequence[Advisory]]

    def further(self, state: _State) -> Iterator[_State]:
        """The states with one more package moved: one that has to do with what still holds, or is brought."""
        holds = frozenset((*state.weights.keeps, *state.weights.refused))
        for package, advisories in self.by_package.items():
            if package not in state.moved and any(each.id in holds for each in advisories):
                yield from self._moved(package, state)

    def _moved(self, package: str, state: _State) -> Iterator[_State]:
        """Of the releases with which the same holds only the nearest older, the nearest newer and the newest."""
        environment = state.environment
        distribution = environment.packages.get(package)
        now = installed_version(distribution) if distribution else None
        if distribution is None or now is None or not self._movable(package, environment):
            return
        versions = tuple(self._candidates(package, environment))
        place = functools.cache(functools.partial(bisect.bisect_left, versions))
        hits = {each.id: match_with(each, environment, package, len(versions), place) for each in self.by_package[package]}
        here = place(now)
        kinds: dict[tuple[bool, tuple[str, ...]], list[int]] = {}
        for index, version in enumerate(versions):
            if version != now:
                kinds.setdefault((version > now, tuple(each for each, bits in hits.items() if bits >> index & 1)), []).append(index)
        for (newer, holding), indices in kinds.items():
            others = self._others(state.weights, hits)
            weights = self._weights(holding, others)
            for index in dict.fromkeys((indices[0], indices[-1]) if newer else (indices[-1],)):
                steps = index - here + (0 if here < len(versions) and versions[here] == now else 1) if newer else index - here
                distance = len(versions) - 1 - index if self.latest else abs(steps)
                to = self._pinned(package, str(versions[index]), environment)
                moved = {**state.moved, package: (to, steps)}
                yield _State(moved_to(environment, {package: to}), moved, weights, state.distance + distance)

    def _others(self, weights: Weights, hits: Mapping[str, int]) -> frozenset[str]:
        """What holds before the move and has nothing to do with the package."""
        return frozenset(each for each in (*weights.keeps, *weights.refused, *weights.brings) if each not in hits)

    def _weights(self, holding: Sequence[str], others: frozenset[str]) -> Weights:
        holds = others | frozenset(holding)
        findings, tolerated = self.weighing.findings, self.weighing.tolerated
        new = [each for each in (*others, *holding) if each not in findings]
        return Weights(
            keeps=tuple(each for each in findings if each in holds),
            refused=tuple(sorted(each for each in new if each not in tolerated)),
            brings=tuple(sorted(each for each in new if each in tolerated)),
        )

    def _candidates(self, package: str, environment: Environment) -> Iterator[Version]:
        """The releases the matrix covers that this Python can run."""
        coverage, python = self.weighing.matrix.packages.get(package), environment.python.version
        if coverage is None or coverage.checked_up_to is None:
            return
        for each in self.releases.get(package, ()):
            fits = python is None or admits(each.requires_python, parse_version(python))
            if fits and not each.yanked and each.version <= coverage.checked_up_to:
                yield each.version

    def _movable(self, package: str, environment: Environment) -> bool:
        return package != "torch" or torch_channel(environment) is not None

    def _pinned(self, package: str, version: str, environment: Environment) -> str:
        channel = torch_channel(environment) if package == "torch" else None
        return channel.pinned(version) if channel is not None else version

    def rank(self, state: _State) -> tuple[object, ...]:
        """The best first."""
        kept, size, price = len(state.weights.keeps), len(state.moved), len(state.weights.brings)
        back = sum(steps < 0 for _, steps in state.moved.values())
        heavy = "torch" in state.moved
        if self.latest:
            return kept, back, state.distance, price, size, _key(state)
        return kept, size, back, heavy, price, state.distance, _key(state)

    def promise(self, state: _State) -> tuple[object, ...]:
        """The most promising to be gone on from first: what brings something may be mended by another package."""
        return len(state.weights.keeps) + len(state.weights.refused), *self.rank(state)
