"""The smallest set of upgrades that clears findings and brings no new one. Pure.

A release is *clean* here when no bug or incompatibility holds with it that does not hold already. Only clean releases are
recommended, and only up to the newest one the matrix covers; what is *tolerated* is brought where no release is without it. Releases
that clear more but bring something new are reported with their price, never recommended.
"""

from __future__ import annotations

import bisect
import functools
import operator
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from doctor.facts.environment import Distribution, Environment
from doctor.facts.frozen import Frozen, replace
from doctor.knowledge.matching import installed_version, match_with
from doctor.knowledge.matrix import Advisory, Matrix, parse_version
from doctor.knowledge.releases import Release, Releases

KINDS_AN_UPGRADE_ANSWERS = ("bug", "incompatibility")
"""Kinds of advisory that lie in a release and not in how it is used: what no change may bring."""


class PassedOver(Frozen):
    """A nearer release that clears as much as the one recommended, and why it is not."""

    version: str
    """The release."""
    brings: tuple[str, ...]
    """Bugs and incompatibilities that hold with it, and not with the one recommended."""


class Change(Frozen):
    """One package to move."""

    package: str
    """The distribution."""
    from_: str | None
    """The version installed; None when it could not be had."""
    to: str
    """The release recommended."""
    clears: tuple[str, ...]
    """Ids of the findings that do not hold with it."""
    newest_clean: str
    """The newest release that clears as much and brings no more; `to` itself where there is no later one."""
    brings: tuple[str, ...] = ()
    """What is tolerated, did not hold, and does with the new release."""
    passed_over: PassedOver | None = None
    """The first release that clears as much, where another is recommended; None where it is this one."""


class Alternative(Frozen):
    """A release that is not recommended, because it brings or keeps something, and what it would do."""

    package: str
    """The distribution."""
    version: str
    """The release."""
    newest: bool
    """Whether it is the newest release the matrix covers: what "just upgrade to the latest" would give."""
    clears: tuple[str, ...]
    """Findings it clears, recommended changes included."""
    brings: tuple[str, ...]
    """Bugs and incompatibilities that do not hold now and would."""
    keeps: tuple[str, ...]
    """Findings about this package that hold there too."""


class Plan(Frozen):
    """What to move, what that leaves, and what was weighed and not recommended."""

    changes: tuple[Change, ...]
    """What to move."""
    remaining: tuple[str, ...]
    """Findings that no recommended change clears."""
    alternatives: tuple[Alternative, ...]
    """What was weighed and is not recommended."""


NO_PLAN = Plan((), (), ())


class _Move(Frozen):
    """A package, the releases it could move to, and what each would do."""

    package: str
    releases: tuple[Release, ...]
    hits: Mapping[str, int]
    """By advisory id: bit i is set when the advisory holds with `releases[i]`."""

    def clears(self, index: int, findings: Sequence[str]) -> tuple[str, ...]:
        """Those of `findings` that do not hold with `releases[index]`; one this package has no part in holds as before."""
        return tuple(each for each in findings if not self.hits.get(each, -1) >> index & 1)

    def cleared(self, findings: Sequence[str]) -> list[int]:
        """With each of the releases, how many of `findings` do not hold."""
        alike = Counter(self.hits.get(each, -1) for each in findings)
        return [sum(count for hits, count in alike.items() if not hits >> index & 1) for index in range(len(self.releases))]

    def anywhere(self, ids: Iterable[str]) -> int:
        """Bit i is set when any of `ids` holds with `releases[i]`."""
        return functools.reduce(operator.or_, (self.hits.get(each, 0) for each in ids), 0)

    def hit(self, index: int, ids: Iterable[str]) -> tuple[str, ...]:
        """Those of `ids` that hold with `releases[index]` and have to do with this package."""
        return tuple(each for each in ids if self.hits.get(each, 0) >> index & 1)


def plan_upgrade(
    environment: Environment, matrix: Matrix, releases: Releases, held: Container[str], findings: Sequence[str], *, tolerated: Container[str] = ()
) -> Plan:
    """Choose upgrades for `findings`, ids of advisories the user wants cleared; `held` are all that hold in `environment`.

    `tolerated` are ids that a release may bring where none is to be had without.
    """
    if not findings:
        return NO_PLAN
    new = tuple(each.id for each in matrix.advisories if each.id not in held and each.kind in KINDS_AN_UPGRADE_ANSWERS)
    choice = _Choice(matrix, releases, new, tuple(each for each in new if each in tolerated), by_package(matrix, frozenset((*new, *findings))))
    changes: dict[str, Change] = {}
    moves = first_moves = choice.moves(environment, findings)
    moved, remaining = environment, tuple(findings)
    while (best := choice.best_change(moves, remaining, [each for each in findings if each not in remaining])) is not None:
        earlier = changes.get(best.package)
        cleared = (earlier.clears if earlier else ()) + best.clears
        changes[best.package] = replace(best, from_=environment.packages[best.package].version, clears=cleared)
        moved = _with_version(moved, best.package, best.to)
        remaining = tuple(each for each in remaining if each not in best.clears)
        moves = choice.moves(moved, remaining)
    return Plan(tuple(changes.values()), remaining, tuple(choice.alternatives(first_moves, findings, changes)))


class _Choice(Frozen):
    """What stays the same while one change after the other is chosen."""

    matrix: Matrix
    releases: Releases
    new: tuple[str, ...]
    """Bugs and incompatibilities that do not hold before any change, and had better not hold after."""
    tolerated: tuple[str, ...]
    """Those of them that may, where no release is without."""
    by_package: Mapping[str, Sequence[Advisory]]
    """Those of the advisories weighed that have to do with a package."""

    def moves(self, environment: Environment, findings: Sequence[str]) -> list[_Move]:
        """What can be moved of that which has to do with the findings."""
        ids = frozenset(findings)
        packages = sorted(package for package, advisories in self.by_package.items() if any(each.id in ids for each in advisories))
        return [move for package in packages if (move := self._move(package, environment)) is not None]

    def best_change(self, moves: Sequence[_Move], remaining: Sequence[str], cleared: Sequence[str]) -> Change | None:
        """The change of one package that clears most of `remaining`, with nothing of `cleared` coming back."""
        changes = [change for move in moves if (change := self._nearest_clean(move, remaining, cleared)) is not None]
        return max(changes, key=lambda change: len(change.clears), default=None)

    def _nearest_clean(self, move: _Move, remaining: Sequence[str], cleared: Sequence[str]) -> Change | None:
        tolerated = frozenset(self.tolerated)
        never = move.anywhere((*(each for each in self.new if each not in tolerated), *cleared))
        clean = {index: count for index, count in enumerate(move.cleared(remaining)) if not never >> index & 1}
        most = max(clean.values(), default=0)
        if most == 0:
            return None
        best = [index for index, count in clean.items() if count == most]
        price = {index: move.hit(index, self.tolerated) for index in best}
        nearest = min(best, key=lambda index: (len(price[index]), index))
        clears = move.clears(nearest, remaining)
        uncleared = move.anywhere(clears)
        newest = max(index for index in best if not uncleared >> index & 1 and len(price[index]) <= len(price[nearest]))
        return Change(
            package=move.package,
            from_=None,
            to=str(move.releases[nearest].version),
            clears=clears,
            newest_clean=str(move.releases[newest].version),
            brings=price[nearest],
            passed_over=self._passed_over(move, nearest, clears, cleared),
        )

    def _passed_over(self, move: _Move, nearest: int, clears: Sequence[str], cleared: Sequence[str]) -> PassedOver | None:
        """The first release that `clears` as much as the nearest one recommended, and what it would have brought."""
        uncleared = move.anywhere(clears)
        first = next(index for index in range(nearest + 1) if not uncleared >> index & 1)
        if first == nearest:
            return None
        brought = set(move.hit(nearest, (*self.new, *cleared)))
        brings = tuple(each for each in move.hit(first, (*self.new, *cleared)) if each not in brought)
        return PassedOver(str(move.releases[first].version), brings)

    def alternatives(self, moves: Sequence[_Move], findings: Sequence[str], changes: Mapping[str, Change]) -> Iterator[Alternative]:
        """For each package the newest release, and the one that clears the most at the least price, where they are not recommended."""
        for move in moves:
            recommended = changes.get(move.package)
            cleared = move.cleared(findings)
            most = max(cleared)
            if most > (len(recommended.clears) if recommended else 0):
                options = [index for index, count in enumerate(cleared) if count == most]
                cheapest = min(options, key=lambda index: len(move.hit(index, self.new)))
                if cheapest != len(move.releases) - 1:
                    yield self._alternative(move, cheapest, findings)
            if recommended is None or recommended.newest_clean != str(move.releases[-1].version):
                yield self._alternative(move, len(move.releases) - 1, findings)

    def _alternative(self, move: _Move, index: int, findings: Sequence[str]) -> Alternative:
        clears = move.clears(index, findings)
        return Alternative(
            package=move.package,
            version=str(move.releases[index].version),
            newest=index == len(move.releases) - 1,
            clears=clears,
            brings=move.hit(index, self.new),
            keeps=tuple(each for each in findings if each in move.hits and each not in clears),
        )

    def _move(self, package: str, environment: Environment) -> _Move | None:
        """What moving `package` forward would do; None when there is nowhere to move it, or it had better be left alone."""
        distribution = environment.packages.get(package)
        version = installed_version(distribution) if distribution else None
        if distribution is None or version is None or not movable(distribution, environment):
            return None
        candidates = tuple(self._candidates(package, version, environment))
        if not candidates:
            return None
        place = functools.cache(functools.partial(bisect.bisect_left, [each.version for each in candidates]))
        hits = {each.id: match_with(each, environment, package, len(candidates), place) for each in self.by_package[package]}
        return _Move(package, candidates, hits)

    def _candidates(self, package: str, version: Version, environment: Environment) -> Iterator[Release]:
        """The later releases the matrix covers and the environment admits."""
        coverage = self.matrix.packages.get(package)
        if coverage is None or coverage.checked_up_to is None:
            return
        for each in self.releases.get(package, ()):
            if version < each.version <= coverage.checked_up_to and not each.yanked and _installable(package, each, environment):
                yield each


def by_package(matrix: Matrix, ids: Container[str]) -> Mapping[str, Sequence[Advisory]]:
    """The advisories with these ids, by each package that they are about or that is a condition of theirs."""
    found: dict[str, list[Advisory]] = {}
    for advisory in matrix.advisories:
        if advisory.id in ids:
            for package in {each.package for each in (*advisory.affected, *advisory.when.packages)}:
                found.setdefault(package, []).append(advisory)
    return found


def movable(distribution: Distribution, environment: Environment) -> bool:
    """Whether a command may move it. A torch with a CUDA or ROCm build is left alone: PyTorch publishes each release for a few of them only."""
    if distribution.name != "torch" or environment.platform.system == "darwin":
        return True
    return (distribution.version or "").endswith("+cpu")


def _installable(package: str, release: Release, environment: Environment) -> bool:
    """Whether this Python and the declared needs of what else is installed admit the release."""
    python = environment.python.version
    if python is not None and not admits(release.requires_python, parse_version(python)):
        return False
    now = installed_version(environment.packages[package])
    return all(
        admits(requirement.specifier, release.version)
        for requirement in environment.requirements
        if requirement.package == package and now is not None and admits(requirement.specifier, now)
    )


def admits(specifier: str, version: Version) -> bool:
    """Whether `version` is in `specifier`; text that is no specifier set forbids nothing."""
    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


def _with_version(environment: Environment, package: str, version: str) -> Environment:
    moved = Distribution(package, version, "metadata")
    return replace(environment, packages={**environment.packages, package: moved})
