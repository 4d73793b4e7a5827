"""Reports taken one after another, and what comes of all of them: who is alike, who is not and in what, what is wrong over the ranks.

Ranks that say the same are one group, whatever their number; of each group the first names are kept. So memory grows with how many different
ranks there are, and not with how many.
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from doctor.diagnosis.comparison import NOTICEABLE, Difference, differences
from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen, replace
from doctor.facts.seen import CheckpointSeen
from doctor.fleet.rank import RANKS, NoReport, RankReport
from doctor.fleet.troubles import RULES, SWITCHES, Severity, Trouble, meaning, troubles_of
from doctor.knowledge.matrix import Matrix

MOST_NAMED = 100
"""So many names of a group are kept."""
MOST_GROUPS = 500
"""Of groups that differ; ranks of further ones are counted, and not looked at."""
_MOST_RANKS = 10_000_000
_DIGITS = re.compile(r"(\d{1,18})")


class Members(Frozen):
    """Ranks or nodes, by name."""

    count: int
    """How many they are, named or not."""
    names: tuple[str, ...]
    """The first of them, numbers in their order; at most 100."""


class Group(Frozen):
    """Ranks that do not differ from each other."""

    members: Members
    environment: Environment
    """Of one of them, without what is each rank's own."""
    checkpoint: CheckpointSeen | None
    troubles: tuple[Trouble, ...]


class FleetFinding(Frozen):
    """Something that is wrong over the ranks."""

    rule: str
    """Which check found it (docs/fleet.md): `launchers-contradict`."""
    severity: Severity
    """`silent`: wrong weights with no error."""
    title: str
    """What is wrong, in one line."""
    detail: str
    """What was seen."""
    remedy: str
    """What to do about it."""
    members: Members
    """Where; those of `ranks-missing` are the numbers of ranks."""
    everywhere: bool
    """Whether it is so with all that answered."""


class Silence(Frozen):
    """Ranks or nodes of which nothing is known, for one reason."""

    reason: str
    """Why not."""
    members: Members


class Fleet(Frozen):
    """Many ranks or nodes, held against each other."""

    total: int
    """How many there are, those that said nothing included."""
    groups: tuple[Group, ...]
    """The largest first."""
    differences: tuple[Difference, ...]
    """Riskiest first; values in the order of the groups."""
    findings: tuple[FleetFinding, ...]
    """Worst first."""
    silent: tuple[Silence, ...]
    """Those that said nothing that can be used."""
    left_out: int
    """How many were not looked at, because so many different ones came before them."""


class _Names:
    """Counts, and keeps the first names."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[tuple[list[tuple[int, int, str]], str]] = []

    def add(self, name: str) -> None:
        self.count += 1
        if len(self._first) == MOST_NAMED and _order(name) >= self._first[-1][0]:
            return
        bisect.insort(self._first, (_order(name), name))
        del self._first[MOST_NAMED:]

    @property
    def members(self) -> Members:
        return Members(self.count, tuple(name for _, name in self._first))


class _Group:
    def __init__(self, first: RankReport, troubles: tuple[Trouble, ...]) -> None:
        self.first, self.troubles, self.names = first, troubles, _Names()


class Gathering:
    """Takes what ranks said, one after another."""

    def __init__(self) -> None:
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._silent: dict[str, _Names] = {}
        self._total = self._left_out = 0
        self._seen_ranks = bytearray()
        """A bit for each rank that wrote a report."""
        self._numbered = 0
        self._twice = _Names()
        self._worlds: set[int] = set()

    def add(self, rank: RankReport | NoReport) -> None:
        """Take the next."""
        self._total += 1
        if isinstance(rank, NoReport):
            reason = rank.reason if rank.reason in self._silent or len(self._silent) < MOST_GROUPS else "various reasons"
            self._silent.setdefault(reason, _Names()).add(rank.label)
            return
        troubles = tuple(troubles_of(rank))
        key = (rank.shared.digest, *map(_about, (rank.memory.total, rank.memory.limit)), troubles)
        if key not in self._groups:
            if len(self._groups) == MOST_GROUPS:
                self._left_out += 1
                return
            self._groups[key] = _Group(rank, troubles)
        self._groups[key].names.add(rank.label)
        self._note_number(rank)

    def fleet(self, matrix: Matrix) -> Fleet:
        """What comes of all that was taken."""
        largest_first = sorted(self._groups.values(), key=lambda each: (-each.names.count, _order(each.names.members.names[0])))
        environments = _snapped([replace(each.first.shared.environment, memory=each.first.memory) for each in largest_first])
        found = differences(environments, matrix) if environments else ()
        groups = tuple(
            Group(each.names.members, environment, each.first.shared.checkpoint, each.troubles)
            for each, environment in zip(largest_first, environments, strict=True)
        )
        silences = [Silence(reason, names.members) for reason, names in self._silent.items()]
        silent = tuple(sorted(silences, key=lambda each: (-each.members.count, _order(each.members.names[0]))))
        findings = sorted(self._findings(groups, found), key=lambda each: (list(RULES).index(each.rule), -each.members.count))
        return Fleet(self._total, groups, found, tuple(findings), silent, self._left_out)

    def _note_number(self, rank: RankReport) -> None:
        number, world = rank.place
        if number is None or world is None or number >= min(world, _MOST_RANKS):
            return
        self._numbered += 1
        if len(self._worlds) < 2:
            self._worlds.add(world)
        if self._is_seen(number) and rank.number(RANKS) is not None:  # a task of Slurm may start several processes
            self._twice.add(rank.label)
        self._seen_ranks.extend(bytes(max(number // 8 + 1 - len(self._seen_ranks), 0)))
        self._seen_ranks[number // 8] |= 1 << number % 8

    def _is_seen(self, number: int) -> bool:
        return number // 8 < len(self._seen_ranks) and bool(self._seen_ranks[number // 8] >> number % 8 & 1)

    def _findings(self, groups: Sequence[Group], found: Sequence[Difference]) -> Iterator[FleetFinding]:
        answered = sum(each.members.count for each in groups)
        together: dict[Trouble, list[Members]] = {}
        for group in groups:
            for trouble in group.troubles:
                together.setdefault(trouble, []).append(group.members)
        for trouble, where in together.items():
            yield _finding(trouble.rule, trouble.detail, _joined(where), answered)
        yield from _between(groups, found, answered)
        if self._twice.count:
            yield _finding("rank-twice", "the RANK of another report", self._twice.members, answered)
        if len(self._worlds) == 1 and self._numbered == answered > 0:
            (world,) = self._worlds
            silent = {name for each in self._silent.values() for name in each.members.names}
            missing = _Names()
            for number in range(min(world, _MOST_RANKS)):
                if not self._is_seen(number) and (name := f"rank {number}") not in silent:
                    missing.add(name)
            if missing.count:
                yield _finding("ranks-missing", f"{missing.count} of {world}", missing.members, -1)


def _between(groups: Sequence[Group], found: Sequence[Difference], answered: int) -> Iterator[FleetFinding]:
    """What is wrong with none of them alone."""
    for name in SWITCHES:
        if not any(each.fact == f"variables.{name}" for each in found):
            continue
        values = [each.environment.variables.get(name) for each in groups]
        meant = [meaning(name, value) for value in values]
        if len(set(meant)) > 1:
            others = [each.members for each, value in zip(groups, meant, strict=True) if value != meant[0]]
            there = sorted({"not set" if value is None else value for value, means in zip(values, meant, strict=True) if means != meant[0]})
            rest = "not set" if values[0] is None else values[0]
            yield _finding("switches-disagree", f"{name}: {', '.join(there)}; {rest} on the others", _joined(others), answered)
    nccl = [each for each in found if each.fact.startswith(("variables.NCCL_", "variables.TORCH_NCCL_"))]
    if nccl:
        odd = [group.members for number, group in enumerate(groups) if any(each.values[number] != each.values[0] for each in nccl)]
        yield _finding("nccl-differs", ", ".join(each.fact.removeprefix("variables.") for each in nccl), _joined(odd), answered)
    digests = [each.checkpoint.digest if each.checkpoint is not None and each.checkpoint.error is None else None for each in groups]
    known = [each for each in digests if each is not None]
    if len(set(known)) > 1:
        odd = [group.members for group, digest in zip(groups, digests, strict=True) if digest not in (None, known[0])]
        yield _finding("checkpoint-differs", "other files, or other contents, than most have", _joined(odd), answered)


def _finding(rule: str, detail: str, members: Members, answered: int) -> FleetFinding:
    said = RULES[rule]
    return FleetFinding(rule, said.severity, said.title, detail, said.remedy, members, members.count == answered)


def _joined(several: Sequence[Members]) -> Members:
    names = sorted((name for each in several for name in each.names), key=_order)
    return Members(sum(each.count for each in several), tuple(names[:MOST_NAMED]))


def _order(name: str) -> list[tuple[int, int, str]]:
    """Names in their order, `rank 9` before `rank 10`."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(name)]


def _about(number: int | None) -> int | None:
    """The same for sizes that are nearly the same, but for those beside a border."""
    return None if number is None else int(math.log(number + 1) / math.log(1 + NOTICEABLE))


def _snapped(environments: Sequence[Environment]) -> list[Environment]:
    """Environments of which memory that differs by less than is noticeable is the same."""
    totals = _nearest([each.memory.total for each in environments])
    limits = _nearest([each.memory.limit for each in environments])
    return [
        replace(each, memory=replace(each.memory, total=totals[each.memory.total], limit=limits[each.memory.limit], available=None))
        for each in environments
    ]


def _nearest(sizes: Sequence[int | None]) -> Mapping[int | None, int | None]:
    """By size, the one that stands for it: the first that came of those near to it."""
    standing: list[int] = []
    found: dict[int | None, int | None] = {None: None}
    for each in sizes:
        if each is None or each in found:
            continue
        near = next((one for one in standing if abs(one - each) <= NOTICEABLE * max(one, each)), None)
        if near is None:
            standing.append(each)
        found[each] = near if near is not None else each
    return found
