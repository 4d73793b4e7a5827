"""The document of `doctor fleet`, as types: its JSON Schema is generated from these. Names here are a public promise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from doctor.diagnosis.comparison import RISKS, Difference, FindingDifference
from doctor.diagnosis.finding import Finding
from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen
from doctor.facts.seen import CheckpointSeen
from doctor.fleet.gathering import Fleet, FleetFinding, Group, Members, Silence
from doctor.knowledge.matrix import Matrix
from doctor.reports.document import MatrixSummary, SchemaVersion, summary_of_matrix
from doctor.version import __version__

_FEW = 3
"""So many ranks of a group, and so many things of each, the first line names."""
_MOST_PARTS = 5
"""So many groups the first line names, and as many reasons why nothing is known."""
Kind = Literal["reports", "ray"]


class GroupReport(Frozen):
    """Ranks or nodes that do not differ from each other."""

    members: Members
    alike: bool
    """Whether they are like the largest group in all that both say, and fall under the same findings over ranks."""
    environment: Environment
    """Of one of them, without what is each rank's own: its number, the devices it sees, free memory and disk."""
    checkpoint: CheckpointSeen | None
    """The model as it is seen there; None where none was named (`doctor report --model`)."""
    findings: tuple[str, ...] | None
    """Ids of the known problems that hold there; None for groups beyond the 50 largest, which were not looked at for them."""


class FleetReport(Frozen):
    """`doctor fleet --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["fleet"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix: MatrixSummary
    kind: Kind
    """What was held against each other: reports that ranks wrote, or the nodes of a Ray cluster."""
    answer: str
    """What came of it, in one line."""
    total: int
    """How many ranks or nodes there are, those included of which nothing is known."""
    alike: int
    """How many are like most."""
    groups: tuple[GroupReport, ...]
    """The largest first."""
    differences: tuple[Difference, ...]
    """Riskiest first; values in the order of the groups."""
    findings: tuple[FleetFinding, ...]
    """What is wrong over the ranks, worst first."""
    known: tuple[FindingDifference, ...]
    """Known problems that only some of the 50 largest groups have, worst first; in their order."""
    concerning_all: tuple[Finding, ...]
    """Known problems that concern the environment of every one that was looked at, worst first."""
    silent: tuple[Silence, ...]
    """Those of which nothing is known."""
    left_out: int
    """How many were not looked at, because so many different ones came before them."""
    exit_code: int
    """0 when all are alike and nothing is wrong over them, 1 when not, 2 when that could not be told of all."""


def fleet_report(fleet: Fleet, kind: Kind, matrix: Matrix, held: Sequence[Sequence[Finding]], known: tuple[FindingDifference, ...]) -> FleetReport:
    """The report; `held` are the known problems of the first groups, and `known` those that only some of them have."""
    alike = [_is_alike(fleet, number) for number in range(len(fleet.groups))]
    groups = tuple(
        GroupReport(
            each.members,
            alike[number],
            each.environment,
            each.checkpoint,
            tuple(one.id for one in held[number] if one.status != "cleared") if number < len(held) else None,
        )
        for number, each in enumerate(fleet.groups)
    )
    everywhere = tuple(each for each in held[0] if each.concerns == "environment" and all(_has(side, each.id) for side in held)) if held else ()
    return FleetReport(
        schema_version=2,
        document="fleet",
        doctor_version=__version__,
        matrix=summary_of_matrix(matrix),
        kind=kind,
        answer=_answer(fleet, kind, alike),
        total=fleet.total,
        alike=sum(group.members.count for group, is_alike in zip(fleet.groups, alike, strict=True) if is_alike),
        groups=groups,
        differences=fleet.differences,
        findings=fleet.findings,
        known=known,
        concerning_all=everywhere,
        silent=fleet.silent,
        left_out=fleet.left_out,
        exit_code=1 if not all(alike) or fleet.findings or everywhere else 2 if fleet.silent or fleet.left_out else 0,
    )


def _has(side: Sequence[Finding], advisory_id: str) -> bool:
    return any(each.id == advisory_id and each.concerns == "environment" for each in side)


def _is_alike(fleet: Fleet, number: int) -> bool:
    group, most = fleet.groups[number], fleet.groups[0]
    return set(group.troubles) == set(most.troubles) and not any(_differs(each, number) for each in fleet.differences)


def _differs(each: Difference, number: int) -> bool:
    return "unknown" not in (each.values[number], each.values[0]) and each.values[number] != each.values[0]


# The first line


def what(kind: Kind, labels: Sequence[str]) -> str:
    """What there are many of: nodes, ranks, or reports where their names do not say."""
    if kind == "ray":
        return "node"
    return "rank" if labels and all(each.startswith("rank") for each in labels) else "report"


def in_words(members: Members) -> str:
    """`rank 3`, `rank 3 and rank 7`, `12 of them, rank 3 to rank 40`."""
    names = members.names
    if members.count <= _FEW:
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{members.count} of them, from {names[0]} on"


def _answer(fleet: Fleet, kind: Kind, alike: Sequence[bool]) -> str:
    labels = [name for each in (*fleet.groups, *fleet.silent) for name in each.members.names]
    noun = what(kind, labels)
    counted = f"{fleet.total} {noun}{'' if fleet.total == 1 else 's'}"
    if not fleet.groups:
        return f"{counted}, and none of them says anything: {_silence(fleet.silent[0])}." if fleet.silent else f"{counted}."
    odd = [number for number, is_alike in enumerate(alike) if not is_alike]
    same = sum(each.members.count for number, each in enumerate(fleet.groups) if number not in odd)
    said = f"{counted}: {'all' if same == fleet.total else same} alike"
    if len(fleet.groups) > 1 and same == 1:
        said = f"{counted}: no two alike"
    order = sorted(odd, key=lambda number: (_risk(fleet, number), -fleet.groups[number].members.count))
    parts = [f"{in_words(fleet.groups[number].members)}: {_some(list(_oddities(fleet, number)), ', ')}" for number in order[:_MOST_PARTS]]
    parts += [_silence(each) for each in fleet.silent[:_MOST_PARTS]]
    unsaid = sum(fleet.groups[number].members.count for number in order[_MOST_PARTS:]) + sum(
        each.members.count for each in fleet.silent[_MOST_PARTS:]
    )
    parts += [f"{unsaid + fleet.left_out} more, each in its own way"] if unsaid + fleet.left_out else []
    return "; ".join([said, *parts]) + "."


def _silence(each: Silence) -> str:
    return f"{in_words(each.members)}: {each.reason}"


def _risk(fleet: Fleet, number: int) -> int:
    return min((RISKS.index(each.risk) for each in fleet.differences if _differs(each, number)), default=len(RISKS))


def _oddities(fleet: Fleet, number: int) -> Iterator[str]:
    """In what a group is not like most, riskiest first."""
    told = set()
    for each in fleet.differences:
        if _differs(each, number) and not (each.fact.startswith(("torch.", "variables.")) and "torch" in told and each.fact != "torch.importable"):
            told.add(in_short(each.fact))
            yield _against(each, number)
    most = fleet.groups[0]
    for trouble in fleet.groups[number].troubles:
        if trouble not in most.troubles:
            yield trouble.detail


def _against(each: Difference, number: int) -> str:
    here, most = each.values[number], each.values[0]
    if each.fact == "torch.importable":
        return "torch cannot be imported" if here == "False" else "torch can be imported"
    return f"{in_short(each.fact)} {here} against {most}"


def in_short(fact: str) -> str:
    """`torch` of `packages.torch.version`, `WORLD_SIZE` of `variables.WORLD_SIZE`."""
    return fact.removeprefix("packages.").removesuffix(".version").removeprefix("variables.")


def _some(parts: Sequence[str], between: str) -> str:
    return between.join(parts[:_FEW]) + (f" and {len(parts) - _FEW} more" if len(parts) > _FEW else "")


__all__ = ["FleetReport", "Group", "GroupReport", "Kind", "fleet_report", "in_short", "in_words", "what"]
