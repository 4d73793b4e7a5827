"""The header of a safetensors file: what it holds, held against how long it is. No weight is read.

The format: https://github.com/huggingface/safetensors#format. A file is eight bytes with the header's length, the header in JSON, and the
tensors one behind the other, with no gap and nothing behind the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, TypeGuard

from doctor.errors import DoctorError
from doctor.facts.model import StoredTensor
from doctor.files import opened
from doctor.models.json_files import MOST_BYTES, parsed_object

BITS: Mapping[str, int] = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("C64", "F64", "I64", "U64"), 64),
}
"""How long one element of each dtype of the format is."""


def header_length(path: str, head: bytes) -> int:
    """The length of the header, from a file's first eight bytes. Raises `DoctorError` for one that no model has."""
    length = int.from_bytes(head[:8], "little")
    if len(head) < 8 or not 2 <= length <= MOST_BYTES:
        raise DoctorError(f"{path}: not a safetensors file, or cut short: its header would be {length} bytes long")
    return length


def read_tensors(path: str, name: str) -> tuple[StoredTensor, ...]:
    """What a file holds, `name` being what it is called within its checkpoint.

    Raises `DoctorError` when it cannot be read, is cut short, or its header contradicts itself or the file.
    """
    try:
        with opened(Path(path)) as (file, size):
            length = header_length(path, file.read(8))
            header = file.read(length)
    except OSError as error:
        raise DoctorError(f"{path}: cannot be read: {error.strerror}") from None
    return tensors_in(path, name, header, length, size)


def tensors_in(path: str, name: str, header: bytes, length: int, size: int) -> tuple[StoredTensor, ...]:
    """What a `header` of `length` bytes says a file of `size` bytes holds. Raises `DoctorError` where it contradicts itself or the size."""
    described = parsed_object(path, header)
    begin = 8 + length
    found = [_tensor(path, name, key, value, begin) for key, value in described.items() if key != "__metadata__"]
    found.sort(key=lambda each: (each.offset, each.bytes))
    end = begin
    for each in found:
        if each.offset != end:
            raise DoctorError(f"{path}: its header is wrong: {each.name} should begin at byte {end} and is said to at {each.offset}")
        end += each.bytes
    if size < end:
        raise DoctorError(f"{path}: cut short: {size} bytes of {end}; download it again")
    if size > end:
        raise DoctorError(f"{path}: its header is wrong: it describes {end} bytes of {size}")
    return tuple(found)


def _tensor(path: str, file: str, name: str, described: Any, begin: int) -> StoredTensor:
    said = described if isinstance(described, dict) else {}
    dtype, shape, offsets = said.get("dtype"), said.get("shape"), said.get("data_offsets")
    if not isinstance(dtype, str) or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise DoctorError(f"{path}: its header is wrong: {name} needs a dtype, a shape and two data_offsets")
    if dtype not in BITS:
        raise DoctorError(f"{path}: {name} has the dtype {dtype}, which doctor does not know")
    first, last = offsets
    bits = prod(shape) * BITS[dtype]
    if last - first != bits // 8 or bits % 8:
        raise DoctorError(f"{path}: its header is wrong: {name}, {dtype} {shape}, takes {bits / 8:.0f} bytes and is given {last - first}")
    return StoredTensor(name, dtype, tuple(shape), last - first, file, begin + first)


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    """Whether a value is a list of numbers that can count something. A `bool` is an int in Python, and no size."""
    return isinstance(value, list) and len(value) <= 64 and all(type(each) is int and 0 <= each < 2**63 for each in value)
