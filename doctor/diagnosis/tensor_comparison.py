"""The same model on several ranks or machines, or before and after: which of its tensors differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from doctor.facts.frozen import Frozen
from doctor.facts.inspection import Inspection, Tensor

TensorDifferenceKind = Literal["gone", "shape", "state", "values", "dtype"]
TENSOR_DIFFERENCES: tuple[TensorDifferenceKind, ...] = get_args(TensorDifferenceKind)
"""Worst first: not everywhere; of another shape; right here and wrong there; other values; another type."""
_NONE = "not there"


class TensorDifference(Frozen):
    """One tensor that is not the same everywhere."""

    name: str
    """Of the tensor."""
    kind: TensorDifferenceKind
    """What differs: the first of these that does."""
    values: tuple[str, ...]
    """On each side, in the order given: a shape, a state, a digest."""


def tensor_differences(inspections: Sequence[Inspection]) -> tuple[TensorDifference, ...]:
    """The tensors that differ, the worst first. Parts of one tensor that different ranks hold are not held against each other."""
    by_name = [{each.name: each for each in inspection.tensors} for inspection in inspections]
    names = dict.fromkeys(name for side in by_name for name in side)
    found = [difference for name in names for difference in _difference(name, [side.get(name) for side in by_name])]
    return tuple(sorted(found, key=lambda each: TENSOR_DIFFERENCES.index(each.kind)))


def uncompared(inspections: Sequence[Inspection]) -> int:
    """How many tensors could not be held against each other: a side has no digest of them, or only a part."""
    by_name = [{each.name: each for each in inspection.tensors} for inspection in inspections]
    everywhere = set.intersection(*(set(side) for side in by_name)) if by_name else set()
    return sum(1 for name in everywhere if not _can_be_compared([side[name] for side in by_name]))


def _can_be_compared(there: Sequence[Tensor]) -> bool:
    return _is_whole(there) and all(each.digest is not None or each.device == "meta" for each in there)


def _difference(name: str, sides: Sequence[Tensor | None]) -> Iterator[TensorDifference]:
    there = [each for each in sides if each is not None]
    if len(there) < len(sides):
        yield TensorDifference(name, "gone", tuple(_NONE if each is None else each.state for each in sides))
        return
    told: list[tuple[TensorDifferenceKind, list[str]]] = [
        ("shape", [str(list(each.shape)) for each in there]),
        ("state", [each.state for each in there]),
        ("dtype", [each.dtype for each in there]),
    ]
    if _is_whole(there) and all(each.digest is not None for each in there) and len({each.dtype for each in there}) == 1:
        told.append(("values", [str(each.digest) for each in there]))
    for kind, values in told:
        if len(set(values)) > 1:
            yield TensorDifference(name, kind, tuple(values))
            return


def _is_whole(there: Sequence[Tensor]) -> bool:
    """Whether every side holds all of it, rather than its own part."""
    return not any(each.where.startswith("shard") or " partition of rank " in each.where for each in there)
