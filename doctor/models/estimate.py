"""Where a model would about go, where the patient cannot be asked: the tensors of its files laid block by block, one behind the other. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from doctor.facts.model import StoredTensor
from doctor.facts.placement import OnMeta, PlacedPart, Placement
from doctor.models.safetensors import BITS

DTYPES: Mapping[str, str] = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}
"""What torch calls the dtypes that a model can be loaded in, and what safetensors does."""
QUANTIZED_BITS = {"8bit": 8, "4bit": 4}
_FLOATING = frozenset(("F64", "F32", "F16", "BF16"))
_NUMBERED = re.compile(r"^(.*?\.\d+)\.")
_FIRST = re.compile(r"emb|wte|wpe", re.IGNORECASE)


def estimated(tensors: Sequence[StoredTensor], dtype: str | None, quantization: str | None, limits: Mapping[str, int], *, because: str) -> Placement:
    """The placement of these tensors, in `dtype` (None: as they are stored) and under `limits` (bytes by device, those of accelerate's names).

    What cannot be known from headers is not in it: buffers that no file holds, which modules are not split, and what is kept back.
    """
    sizes = {each.name: size_as(each, dtype, quantization) for each in tensors}
    parts: list[PlacedPart] = []
    devices = [(name, limit) for name, limit in limits.items() if name != "disk"]
    used = 0
    for module, members in _blocks(tensors):
        size = sum(sizes[each.name] for each in members)
        while devices and used + size > devices[0][1]:
            devices.pop(0)
            used = 0
        used += size
        numbers = sum(each.elements for each in members)
        parts.append(PlacedPart(module, devices[0][0] if devices else "disk", len(members), numbers, size))
    placed = {each.device for each in parts}
    offloaded = {"disk"} if not any(each.isdecimal() for each in placed) else {"cpu", "disk"}
    left = [each for each in parts if each.device in offloaded]
    dtypes: dict[str, int] = {}
    for each in tensors:
        kind = name_as(each, dtype, quantization)
        dtypes[kind] = dtypes.get(kind, 0) + sizes[each.name]
    return Placement(
        decided_by="estimate",
        because=because,
        model_class=None,
        parameters=sum(each.elements for each in tensors),
        buffers=0,
        buffer_bytes=0,
        not_saved=0,
        dtypes=dtypes,
        parts=tuple(parts),
        on_meta=OnMeta(sum(each.tensors for each in left), sum(each.parameters for each in left), sum(each.bytes for each in left)),
        limits=limits,
        largest=max(sizes.values(), default=0),
    )


def size_as(tensor: StoredTensor, dtype: str | None, quantization: str | None) -> int:
    """Bytes of a tensor once loaded in a torch dtype (None: as it is stored). bitsandbytes makes the matrices smaller, and no embedding or head."""
    if tensor.dtype not in _FLOATING:
        return tensor.bytes
    if quantization is not None and _is_quantized(tensor):
        return tensor.elements * QUANTIZED_BITS[quantization] // 8
    return tensor.bytes if dtype is None else tensor.elements * BITS[DTYPES[dtype]] // 8


def name_as(tensor: StoredTensor, dtype: str | None, quantization: str | None) -> str:
    """The dtype of a tensor once loaded, as torch calls it, or GGUF where it is of that."""
    if tensor.dtype in _FLOATING and quantization is not None and _is_quantized(tensor):
        return "int8" if quantization == "8bit" else "uint8 (4 bits each)"
    if dtype is not None and tensor.dtype in _FLOATING:
        return dtype
    return next((torch for torch, stored in DTYPES.items() if stored == tensor.dtype), tensor.dtype.lower())


def _is_quantized(tensor: StoredTensor) -> bool:
    return len(tensor.shape) == 2 and not _FIRST.search(tensor.name) and not tensor.name.startswith("lm_head")


def _blocks(tensors: Iterable[StoredTensor]) -> list[tuple[str, list[StoredTensor]]]:
    """The tensors by layer, as `model.layers.7`, or by module where they are in none; embeddings first, layers in their order, then the rest."""
    found: dict[str, list[StoredTensor]] = {}
    for each in tensors:
        numbered = _NUMBERED.match(each.name)
        found.setdefault(numbered[1] if numbered else each.name.rpartition(".")[0] or each.name, []).append(each)
    return sorted(found.items(), key=lambda block: _order(block[0]))


def _order(module: str) -> tuple[int, list[tuple[int, int, str]]]:
    steps = [(0, int(each), "") if each.isdecimal() else (1, 0, each) for each in module.split(".")]
    if any(kind == 0 for kind, _, _ in steps):
        return 1, steps
    return 0 if _FIRST.search(module) else 2, steps
