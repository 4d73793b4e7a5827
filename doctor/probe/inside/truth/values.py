"""One tensor of the model held against one of the files, piece by piece; and what the values are that are not the file's."""

from __future__ import annotations

import hashlib
import math
from typing import Any, Iterable, Iterator, NamedTuple, Optional, Sequence, Tuple

from .files import Files, Stored, element_bytes, row_ranges
from .walk import Data

_SAMPLE = 65536
"""Elements by which the values of a tensor are described."""
_FEW = 64
"""Elements by which candidates are told apart before they are read whole."""


class Mismatch(NamedTuple):
    """How a tensor is not that of the file."""

    kind: str
    detail: str


def difference(torch: Any, files: Files, data: Data, stored: Stored) -> Optional[Mismatch]:
    """What is not as in the file, after the conversion to the model's floating-point type; None where it is all the same."""
    if not files.has_data(stored):
        return Mismatch("no-data-in-file", "the file has its name and shape, and no data: it was saved from meta")
    shape = data.shape or tuple(data.tensor.shape)
    if tuple(shape) != stored.shape and _elements(shape) != _elements(stored.shape):
        return Mismatch("other-shape", "%s here, %s in the file" % (list(shape), list(stored.shape)))
    if len(shape) == 2 and tuple(shape) != stored.shape and len(data.window) == 0:
        turned = tuple(shape[::-1]) == stored.shape and _same(torch, files, Data(data.tensor.t()), stored)
        if turned:
            return Mismatch("transposed", "it is the transpose of what the file holds")
    cast = _refused_cast(torch, files, data.tensor, stored)
    unequal, largest = 0, 0.0
    for here, there in _pieces(torch, files, data, stored):
        count, gap = _unequal(torch, here, there)
        unequal, largest = unequal + count, max(largest, gap)
    if cast is not None:
        return Mismatch("cast", cast + (", and %d of %d values are others" % (unequal, data.tensor.numel()) if unequal else ""))
    if unequal == 0:
        return None
    share = "%d of %d values differ" % (unequal, data.tensor.numel())
    return Mismatch("other-values", share + (", by up to %.3g" % largest if math.isfinite(largest) else ""))


def distance(torch: Any, files: Files, data: Data, stored: Stored) -> float:
    """How far a tensor is from that of the file, of the norm of the latter; infinite where that is nothing."""
    apart = size = 0.0
    for here, there in _pieces(torch, files, data, stored):
        there = there.double()
        apart += float(((here.double() - there) ** 2).sum())
        size += float((there**2).sum())
    return math.sqrt(apart / size) if size else (math.inf if apart else 0.0)


def explained(torch: Any, files: Files, data: Data, stored: Stored, others: Iterable[Stored]) -> Mismatch:
    """What the values are that differ: the transpose, those of another tensor, rounded ones, nothing but zeros, or none of these."""
    if not data.window:
        tensor = data.tensor
        if tensor.dim() == 2 and tensor.shape[0] == tensor.shape[1] and _same(torch, files, Data(tensor.t()), stored):
            return Mismatch("transposed", "it is the transpose of what the file holds")
        twins = [each for each in others if each.name != stored.name and each.shape == tuple(tensor.shape) and _alike(torch, files, data, each)]
        for each in twins:
            if _same(torch, files, data, each):
                return Mismatch("another-tensor", "it holds the values of %s" % each.name)
    for name in ("bfloat16", "float16", "float32"):
        low = getattr(torch, name)
        if data.tensor.is_floating_point() and _same(torch, files, data, stored, low):
            return Mismatch("rounded", "its values were rounded to %s on the way" % name)
    return Mismatch("", described(torch, data.tensor))


def _same(torch: Any, files: Files, data: Data, stored: Stored, through: Any = None) -> bool:
    kind = files.dtype(stored)
    if kind is None or (not data.window and tuple(data.tensor.shape) != stored.shape):
        return False
    if through is not None and (not kind.is_floating_point or element_bytes(torch, through) >= element_bytes(torch, kind)):
        return False
    pieces = _pieces(torch, files, data, stored)
    return all(not _unequal(torch, here, there if through is None else there.to(through))[0] for here, there in pieces)


def _alike(torch: Any, files: Files, data: Data, stored: Stored) -> bool:
    """Whether the first values are those of a tensor in the files: most of the others fall here."""
    if files.dtype(stored) is None or not files.has_data(stored) or _elements(stored.shape) == 0:
        return False
    shape = stored.shape or (1,)
    here = data.tensor.reshape(shape)[:1].reshape(-1)[:_FEW].cpu()
    there = files.rows(stored, shape, 0, 1).reshape(-1)[:_FEW]
    return _unequal(torch, here, there)[0] == 0 and bool((here != here[0]).any() or here.numel() == 1)


def _pieces(torch: Any, files: Files, data: Data, stored: Stored) -> Iterator[Tuple[Any, Any]]:
    """Both tensors side by side, in pieces on the CPU."""
    shape = tuple(data.shape or data.tensor.shape) or (1,)
    here = data.tensor.reshape(1) if data.tensor.dim() == 0 else data.tensor
    window = list(data.window) or [(0, size) for size in shape]
    begin, length = window[0]
    row = (length, *shape[1:])
    for first, last in row_ranges(row, max(element_bytes(torch, files.dtype(stored)), here.element_size())):
        there = files.rows(stored, shape, begin + first, begin + last)
        for dimension, (start, count) in enumerate(window[1:], start=1):
            there = there.narrow(dimension, start, count)
        yield here[first:last].cpu(), there


def _unequal(torch: Any, here: Any, there: Any) -> Tuple[int, float]:
    """How many values differ, and by how much at most; NaN is as NaN."""
    if here.dtype == there.dtype and _bits_equal(torch, here, there):
        return 0, 0.0
    if here.is_complex() or there.is_complex():
        return int((here != there.to(here.dtype)).sum()), math.inf
    if here.is_floating_point():
        # Through the type of the model, as the load does it; then in one that can compute.
        wide = torch.float64 if torch.float64 in (here.dtype, there.dtype) else torch.float32
        here, there = here.to(wide), there.to(here.dtype).to(wide)
        wrong = (here != there) & ~(torch.isnan(here) & torch.isnan(there))
    elif torch.bool in (here.dtype, there.dtype):
        return int((here.to(torch.bool) != there.to(torch.bool)).sum()), 1.0
    else:
        here, there = here.to(torch.float64), there.to(torch.float64)
        wrong = here != there
    count = int(wrong.sum())
    return (count, float((here - there)[wrong].abs().max())) if count else (0, 0.0)


def _bits_equal(torch: Any, here: Any, there: Any) -> bool:
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    kind = kinds.get(here.element_size())
    if kind is None or here.shape != there.shape:
        return False
    return bool(torch.equal(here.contiguous().view(kind), there.contiguous().view(kind)))


def _refused_cast(torch: Any, files: Files, tensor: Any, stored: Stored) -> Optional[str]:
    """Floating-point types are converted as asked; an integer that becomes a float, or a float an integer, nobody asked for."""
    kind = files.dtype(stored)
    if kind.is_floating_point == tensor.is_floating_point() and (kind == torch.bool) == (tensor.dtype == torch.bool):
        return None
    return "%s in the file, %s here" % (str(kind).replace("torch.", ""), str(tensor.dtype).replace("torch.", ""))


def equal(torch: Any, one: Any, other: Any) -> bool:
    """Whether two tensors hold the same, after the conversion of the second to the type of the first."""
    if tuple(one.shape) != tuple(other.shape):
        return False
    here, there = (each.detach().reshape(1) if each.dim() == 0 else each.detach() for each in (one, other))
    return all(_unequal(torch, here[i:j].cpu(), there[i:j].cpu())[0] == 0 for i, j in row_ranges(tuple(here.shape), here.element_size()))


def described(torch: Any, tensor: Any) -> str:
    """What values these are: `all zeros`, `all 7.75`, `not all finite`, `mean 0.0002, deviation 0.02`."""
    sample = _sample(torch, tensor)
    if sample.numel() == 0:
        return "empty"
    if not bool(torch.isfinite(sample).all()):
        return "not all of its values are finite"
    if bool((sample == sample[0]).all()):
        return "all zeros" if float(sample[0]) == 0 else "all %.4g" % float(sample[0])
    return "mean %.3g, deviation %.3g" % (float(sample.mean()), float(sample.std()))


def drawn_at_random(torch: Any, tensor: Any) -> bool:
    """Whether the values are like those that an initialisation draws: normal, cut-off normal or uniform round nothing, of a usual size.

    Memory that nobody wrote holds what was there before: zeros of a fresh page, halves of pointers, remains of other tensors.
    """
    sample = _sample(torch, tensor)
    if sample.numel() < 16 or not bool(torch.isfinite(sample).all()):
        return False
    centre, width = float(sample.mean()), float(sample.std())
    if not 1e-4 < width < 4 or abs(centre) > 6 * width / math.sqrt(sample.numel()) + 1e-6:
        return False
    tail = float((((sample - centre) / width) ** 4).mean())
    few = 30 / math.sqrt(sample.numel())  # six deviations of what the fourth moment of a normal sample comes to
    repeated = 1 - len(torch.unique(sample)) / sample.numel()
    return 1.8 - few < tail < 3 + few and (repeated < 0.1 or tensor.element_size() < 4)


def left_in_memory(torch: Any, tensor: Any) -> bool:
    """Whether the values are like memory that nobody wrote: not finite, all the same, or of a size that no weight has."""
    sample = _sample(torch, tensor)
    if sample.numel() == 0:
        return False
    if not bool(torch.isfinite(sample).all()) or bool((sample == sample[0]).all()):
        return True
    sizes = sample.abs()
    return float(sizes.max()) > 1e6 or float(sizes.median()) < 1e-12 or bool(((sizes > 0) & (sizes < 1e-20)).any())


def _sample(torch: Any, tensor: Any) -> Any:
    """At most `_SAMPLE` elements from all over the tensor, as float32 on the CPU."""
    flat = tensor.detach()
    if flat.is_complex():
        flat = torch.view_as_real(flat)
    if flat.numel() > _SAMPLE:
        step = max(1, flat.numel() // _SAMPLE)
        places = torch.arange(0, flat.numel(), step, device=flat.device)[:_SAMPLE]
        flat = flat.reshape(-1)[places] if flat.is_contiguous() else flat.flatten()[places]
    return flat.reshape(-1).to(torch.float32).cpu()


def digest(torch: Any, tensor: Any) -> str:
    """Of the bytes of a tensor, its type and its shape: 32 hexadecimal digits, BLAKE2b."""
    import ctypes

    found = hashlib.blake2b(digest_size=16)
    found.update(("%s %s" % (str(tensor.dtype), list(tensor.shape))).encode())
    whole = tensor.detach().reshape(1) if tensor.dim() == 0 else tensor.detach()
    for first, last in row_ranges(tuple(whole.shape), whole.element_size()):
        piece = whole[first:last].cpu().contiguous()
        found.update((ctypes.c_char * (piece.numel() * piece.element_size())).from_address(piece.data_ptr()))
    return found.hexdigest()


def made_of(torch: Any, files: Files, tensor: Any, left: Sequence[Stored]) -> "list[str]":
    """The tensors of the files that this one is put together from, where all of it can be found in them; else none.

    Experts that were merged lie one after another, each a slice or a run of rows of it, some of them transposed.
    """
    slices = [tensor[number] for number in range(tensor.shape[0])] if tensor.dim() >= 3 else [tensor]
    found: "list[str]" = []
    for part in slices:
        if part.dim() not in (1, 2):
            return []
        names = _rows_of(torch, files, part, left) or (_rows_of(torch, files, part.t(), left) if part.dim() == 2 else [])
        if not names:
            return []
        found += names
    return found


def _rows_of(torch: Any, files: Files, part: Any, left: Sequence[Stored]) -> "list[str]":
    """The tensors of the files that follow each other along the first dimension of `part`."""
    found: "list[str]" = []
    row = 0
    while row < part.shape[0]:
        rest = part[row:]
        match = None
        for each in left:
            if len(each.shape) == part.dim() and each.shape[1:] == tuple(part.shape[1:]) and 0 < each.shape[0] <= len(rest):
                piece = Data(rest[: each.shape[0]])
                if _alike(torch, files, piece, each) and _same(torch, files, piece, each):
                    match = each
                    break
        if match is None:
            return []
        found.append(match.name)
        row += match.shape[0]
    return found


def _elements(shape: Sequence[int]) -> int:
    found = 1
    for each in shape:
        found *= each
    return found
