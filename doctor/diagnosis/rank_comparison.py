"""One model on all ranks of a process group: which of its tensors are not alike, and on which ranks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, get_args

from doctor.facts.frozen import Frozen

RankDifferenceKind = Literal["meta", "gone", "shape", "kind", "dtype", "tie", "values"]
RANK_DIFFERENCES: tuple[RankDifferenceKind, ...] = get_args(RankDifferenceKind)
"""Worst first: no data on some ranks; not on all of them; of another shape; a parameter here and a buffer there; another type; tied here and
apart there; other values."""


class RankTensor(Frozen):
    """One parameter or buffer as one rank has it."""

    name: str
    """Without what wrappers (torch.compile, FSDP, peft) put into it."""
    kind: Literal["parameter", "buffer"]
    shape: tuple[int, ...]
    """Of the whole, where the rank holds a part."""
    dtype: str
    """As torch names it: `bfloat16`."""
    held: Literal["data", "meta", "elsewhere"]
    """`meta`: it has no data, and nothing that keeps its values; `elsewhere`: they are not in this process, or in a form of a library's own."""
    part: str
    """Which part the rank holds; empty for the whole."""
    digest: str | None
    """BLAKE2b over type, shape and bytes of what the rank holds; None where it holds no data."""
    tied: tuple[str, ...]
    """The other names of the same parameter."""


class RankModel(Frozen):
    """A model as one rank has it."""

    class_: str
    tensors: tuple[RankTensor, ...]
    error: str | None
    """What kept the rank from being looked at; None where nothing did."""


class RankValue(Frozen):
    """What some ranks have."""

    value: str
    """In words, or a digest."""
    ranks: tuple[int, ...]
    """Those that have it, in their order."""


class RankDifference(Frozen):
    """One tensor that is not alike on all ranks."""

    name: str
    """Of the tensor."""
    kind: RankDifferenceKind
    """What differs: the first of these that does."""
    values: tuple[RankValue, ...]
    """What most ranks have first."""


def rank_differences(models: Sequence[RankModel]) -> tuple[RankDifference, ...]:
    """The tensors that are not alike, the worst first; `models` in the order of the ranks. Different parts of one tensor are no difference."""
    sides = {rank: {each.name: each for each in model.tensors} for rank, model in enumerate(models) if model.error is None}
    names = dict.fromkeys(name for side in sides.values() for name in side)
    found = [each for name in names for each in _difference(name, {rank: side.get(name) for rank, side in sides.items()})]
    return tuple(sorted(found, key=lambda each: RANK_DIFFERENCES.index(each.kind)))


def uncompared(models: Sequence[RankModel]) -> int:
    """How many tensors have values on some rank that no other rank's could be held against: parts of its own, or a form of a library's own."""
    parts: dict[str, dict[str, int]] = {}
    for each in (tensor for model in models for tensor in model.tensors):
        held = parts.setdefault(each.name, {})
        held[each.part] = held.get(each.part, 0) + (each.digest is not None)
    return sum(1 for held in parts.values() if len(models) > 1 and any(count < 2 for count in held.values()))


def _difference(name: str, sides: Mapping[int, RankTensor | None]) -> Iterator[RankDifference]:
    there = {rank: each for rank, each in sides.items() if each is not None}
    told: list[tuple[RankDifferenceKind, Mapping[int, str]]] = [
        ("meta", {rank: "on meta" if each.held == "meta" else "has data" for rank, each in there.items()}),
        ("gone", {rank: "not there" if each is None else "there" for rank, each in sides.items()}),
        ("shape", {rank: str(list(each.shape)) for rank, each in there.items()}),
        ("kind", {rank: each.kind for rank, each in there.items()}),
        ("dtype", {rank: each.dtype for rank, each in there.items()}),
        ("tie", {rank: f"tied to {', '.join(each.tied)}" if each.tied else "tied to nothing" for rank, each in there.items()}),
        *(("values", values) for values in _digests(there)),
    ]
    for kind, values in told:
        if len(set(values.values())) > 1:
            yield RankDifference(name, kind, _by_value(values))
            return


def _digests(there: Mapping[int, RankTensor]) -> list[Mapping[int, str]]:
    """The digests of each part, by rank."""
    found: dict[str, dict[int, str]] = {}
    for rank, each in there.items():
        if each.digest is not None:
            found.setdefault(each.part, {})[rank] = each.digest
    return list(found.values())


def _by_value(values: Mapping[int, str]) -> tuple[RankValue, ...]:
    ranks: dict[str, list[int]] = {}
    for rank, value in values.items():
        ranks.setdefault(value, []).append(rank)
    most_first = sorted(ranks.items(), key=lambda each: (-len(each[1]), each[1]))
    return tuple(RankValue(value, tuple(held)) for value, held in most_first)
