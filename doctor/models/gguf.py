"""The header of a GGUF file: its keys, and what tensors it holds. No weight is read.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; the sizes of the quantised types are those of `ggml.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen
from doctor.facts.model import StoredTensor
from doctor.files import opened

TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
}
"""By number: the name of a type, and how many elements a block of it has and bytes it takes."""
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST_HEADER = 256 * 1024 * 1024
_LONGEST_KEPT = 4096
"""Characters of a string, items of an array: of longer ones (a vocabulary) only the length is kept."""
_ALIGNMENT = 32


class Gguf(Frozen):
    """What the header says."""

    keys: Mapping[str, Any]
    """Its key-value pairs; of a long array, how many items it has."""
    tensors: tuple[StoredTensor, ...]


def read_gguf(path: str, name: str) -> Gguf:
    """The header of a file, `name` being what it is called within its checkpoint.

    Raises `DoctorError` when it cannot be read, is cut short, or its header contradicts the file.
    """
    try:
        with opened(Path(path)) as (file, size):
            return _read(path, name, _Cursor(path, file, min(size, _MOST_HEADER)), size)
    except OSError as error:
        raise DoctorError(f"{path}: cannot be read: {error.strerror}") from None


def _read(path: str, name: str, cursor: _Cursor, size: int) -> Gguf:
    if size < 4 or cursor.take(4) != b"GGUF":
        raise DoctorError(f"{path}: not a GGUF file: it does not begin with GGUF")
    version = cursor.number("I")
    if version not in (2, 3):
        raise DoctorError(f"{path}: GGUF of version {version}, of which doctor knows 2 and 3 (in the order of this machine's bytes)")
    tensors, pairs = cursor.number("Q"), cursor.number("Q")
    if tensors * 24 + pairs * 13 > cursor.left:
        raise DoctorError(f"{path}: cut short, or its header is wrong: {tensors} tensors and {pairs} keys do not go into {size} bytes")
    keys = dict(_pair(cursor) for _ in range(pairs))
    described = [_described(path, cursor) for _ in range(tensors)]
    alignment = keys.get("general.alignment", _ALIGNMENT)
    if type(alignment) is not int or not 0 < alignment <= 2**20:
        raise DoctorError(f"{path}: its header is wrong: general.alignment is {alignment!r}")
    begin = -(-cursor.at // alignment) * alignment
    found = tuple(StoredTensor(each, dtype, shape, length, name, begin + offset) for each, dtype, shape, length, offset in described)
    end = max((each.offset + each.bytes for each in found), default=0)
    if size < end:
        raise DoctorError(f"{path}: cut short: {size} bytes of {end}; download it again")
    return Gguf(keys, found)


def _pair(cursor: _Cursor) -> tuple[str, Any]:
    key = cursor.string()
    return key or "", _value(cursor, cursor.number("I"))


def _value(cursor: _Cursor, kind: int) -> Any:
    if kind in _SCALARS:
        return cursor.number(_SCALARS[kind])
    if kind == _STRING:
        return cursor.string()
    if kind != _ARRAY:
        raise cursor.fault(f"a value of kind {kind}, which there is not")
    item, count = cursor.number("I"), cursor.number("Q")
    if item in _SCALARS:
        content = cursor.take(struct.calcsize(f"<{_SCALARS[item]}") * count)
        return list(struct.unpack(f"<{count}{_SCALARS[item]}", content)) if count <= _LONGEST_KEPT else count
    if item != _STRING:
        raise cursor.fault(f"an array of kind {item}, which no model has")
    if count * 8 > cursor.left:
        raise cursor.fault(f"an array of {count} strings, for which there is no room")
    for _ in range(count):
        cursor.skip(cursor.number("Q"))
    return count


def _described(path: str, cursor: _Cursor) -> tuple[str, str, tuple[int, ...], int, int]:
    name = cursor.string() or ""
    dimensions = cursor.number("I")
    if dimensions > 8:
        raise cursor.fault(f"{name} with {dimensions} dimensions")
    shape = tuple(cursor.number("Q") for _ in range(dimensions))
    kind, offset = cursor.number("I"), cursor.number("Q")
    if kind not in TYPES:
        raise DoctorError(f"{path}: {name} has the type {kind}, which doctor does not know")
    dtype, block, length = TYPES[kind]
    elements = prod(shape)
    if elements % block:
        raise cursor.fault(f"{name}, {dtype} {list(shape)}, is no whole number of blocks")
    return name, dtype, shape[::-1], elements // block * length, offset


class _Cursor:
    """A place in a header, which does not go past the end of it."""

    def __init__(self, path: str, file: BinaryIO, end: int) -> None:
        self._path, self._file, self.left, self.at = path, file, end, 0

    def take(self, count: int) -> bytes:
        """So many bytes."""
        self._count(count)
        content = self._file.read(count)
        if len(content) < count:
            raise self.fault("its end")
        return content

    def skip(self, count: int) -> None:
        """Go on by so many bytes."""
        self._count(count)
        self._file.seek(count, 1)

    def number(self, form: str) -> Any:
        """One number, as `struct` writes its form."""
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))[0]

    def string(self) -> str | None:
        """One string; None for one too long to be kept."""
        length = self.number("Q")
        if length > _LONGEST_KEPT:
            self.skip(length)
            return None
        return self.take(length).decode("utf-8", "replace")

    def fault(self, what: str) -> DoctorError:
        """The error that here is something else than a header has."""
        return DoctorError(f"{self._path}: cut short, or its header is wrong: at byte {self.at} stands {what}")

    def _count(self, count: int) -> None:
        if count > self.left:
            raise self.fault(f"something {count} bytes long, for which there is no room")
        self.left -= count
        self.at += count
