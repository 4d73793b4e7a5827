"""A model on all ranks of a running job, held against itself: in the processes that have it, with the torch they bring."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from doctor.diagnosis.rank_comparison import RankDifference, RankModel
from doctor.errors import DoctorError
from doctor.knowledge import schema
from doctor.reports.rank_comparison import as_text, rank_comparison

if TYPE_CHECKING:
    from doctor.reports.rank_comparison import RankComparison


class ComparedRanks:
    """What `compare_ranks` found, the same on every rank. Printed it says which tensors differ, and who has what."""

    def __init__(self, report: RankComparison) -> None:
        self.report = report
        """The whole."""

    @property
    def alike(self) -> bool:
        """Whether every rank could be looked at, and none differs."""
        return self.report.exit_code == 0

    @property
    def differences(self) -> tuple[RankDifference, ...]:
        """The tensors that differ, the worst first."""
        return self.report.differences

    def as_json(self) -> str:
        """The document `rank-comparison` as JSON text."""
        from doctor.reports.json import as_json

        return as_json(self.report)

    def __repr__(self) -> str:
        return f"<ComparedRanks: {as_text(self.report).partition(chr(10))[0]}>"

    def __str__(self) -> str:
        return as_text(self.report)


def compare_ranks(model: Any, *, group: Any = None) -> ComparedRanks:
    """Hold a model against itself on the ranks of a process group: a collective call, to be made on every one of them.

    Each rank makes a digest of every parameter and buffer as it holds it, and these are gathered once: which ranks have none of its values
    (`is_meta`), another shape, type, tie or other values is told by tensor, the same on all. Of a sharded model each rank's part is held
    against those that hold the same part. `group`: a group of torch.distributed; None: the default one, with gloo or nccl.

    Raises `DoctorError` when torch.distributed is not initialised in this process. A rank that cannot be looked at raises nothing, for
    the others would wait for it: what it found in the way is in the result.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        raise DoctorError("compare_ranks: torch is not imported in this process, so no model of it can be here")
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        raise DoctorError("compare_ranks: torch.distributed is not initialised: call it in each process that torchrun (or its like) starts")
    from doctor.probe.inside.truth.ranks import gathered, table

    tables = gathered(torch, table(torch, model), group)
    return ComparedRanks(rank_comparison([_model(each) for each in tables]))


def _model(table: Any) -> RankModel:
    """What a rank said of itself. Raises `DoctorError` where it has not the shape it should: another release of doctor runs there."""
    wrong = next(schema.mismatches(RankModel, table), None)
    if wrong is not None:
        raise DoctorError(f"compare_ranks: a rank runs another release of doctor: {schema.dotted(wrong.path)}: {wrong.message}"[:300])
    found: RankModel = schema.construct(RankModel, table)
    return found
