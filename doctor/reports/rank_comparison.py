"""The document of `doctor.compare_ranks`, as types: its JSON Schema is generated from these. Names here are a public promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from doctor.diagnosis.rank_comparison import RankDifference, RankModel, RankValue, rank_differences, uncompared
from doctor.facts.frozen import Frozen
from doctor.reports.document import SchemaVersion
from doctor.version import __version__


class RankComparison(Frozen):
    """`doctor.compare_ranks(model).as_json()`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["rank-comparison"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    model: str
    """The class of the model on rank 0."""
    ranks: int
    """How many there are."""
    tensors: int
    """How many parameters and buffers there are on any rank."""
    differences: tuple[RankDifference, ...]
    """The worst first."""
    untold: tuple[RankValue, ...]
    """Why some ranks could not be looked at."""
    uncompared: int
    """How many tensors have values that only one rank holds: its part of the tensor, or a form of a library's own."""
    exit_code: int
    """0 when no rank differs, 1 when one does, 2 when none does but some could not be looked at."""


def rank_comparison(models: Sequence[RankModel]) -> RankComparison:
    """The comparison of what all ranks have, in their order."""
    found = rank_differences(models)
    reasons: dict[str, list[int]] = {}
    for rank, model in enumerate(models):
        if model.error is not None:
            reasons.setdefault(model.error, []).append(rank)
    untold = tuple(RankValue(reason, tuple(ranks)) for reason, ranks in reasons.items())
    tensors = len({each.name for model in models for each in model.tensors})
    code = 1 if found else 2 if untold else 0
    return RankComparison(2, "rank-comparison", __version__, models[0].class_, len(models), tensors, found, untold, uncompared(models), code)


_WORDS = {
    "meta": "no data on some ranks",
    "gone": "not on every rank",
    "shape": "another shape",
    "kind": "a parameter on some ranks, a buffer on others",
    "dtype": "another type",
    "tie": "tied on some ranks, and apart on others",
    "values": "other values",
}
_FEW = 10


def as_text(report: RankComparison) -> str:
    """The answer in one line, and under it each tensor that differs, with who has what."""
    count = len(report.differences)
    said = f"{count} of {report.tensors} tensors are not" if count else f"{report.tensors} tensors are"
    parts = f"; the values of {report.uncompared} are each rank's own part" if report.uncompared else ""
    lines = [f"{report.model}: {said} alike on {report.ranks} ranks{parts}."]
    lines += [f"  rank {ranks_in_words(each.ranks)} could not be looked at: {each.value}" for each in report.untold]
    for difference in report.differences[:_FEW]:
        values = "; ".join(f"rank {ranks_in_words(each.ranks)}: {each.value}" for each in difference.values)
        lines.append(f"  {difference.name}: {_WORDS[difference.kind]} ({values})")
    if count > _FEW:
        lines.append(f"  and {count - _FEW} more")
    return "\n".join(lines)


def ranks_in_words(ranks: Sequence[int]) -> str:
    """`0-3, 7`."""
    runs: list[list[int]] = []
    for each in ranks:
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
