"""The tensors in a checkpoint's files, read a piece at a time: never a whole file, and never by unpickling what is no tensor."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

PIECE_BYTES = 16 * 1024 * 1024
"""How much of a tensor is held at a time, besides the model."""
_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "U16": "uint16",
    "U32": "uint32", "U64": "uint64", "BOOL": "bool", "C64": "complex64",
}  # fmt: skip
"""https://github.com/huggingface/safetensors: the names of types in a header, and torch's for the same."""


class CannotRead(Exception):
    """A file of the checkpoint could not be read; the text says which and why."""


class Stored(NamedTuple):
    """Where one tensor of a checkpoint lies."""

    name: str
    file: str
    dtype: str
    """As safetensors names it; of a pickled file as torch does."""
    shape: Tuple[int, ...]
    begin: Optional[int]
    """Of its first byte in the file; None in a pickled one, which torch has to open."""


class Files:
    """The tensors of a checkpoint by name. Pickled files are opened as they are needed, one at a time."""

    def __init__(self, torch: Any, stored: Sequence[Stored], pickled: Sequence[str]) -> None:
        """`stored` are those of safetensors files; `pickled` names the `.bin` files. Raises `CannotRead`."""
        self._torch = torch
        self._open: Tuple[str, Dict[str, Any]] = ("", {})
        self._descriptors: Dict[str, int] = {}
        self.tensors = {each.name: each for each in stored}
        for file in pickled:
            for name, tensor in self._pickled(file).items():
                shape = tuple(int(size) for size in tensor.shape)
                self.tensors[name] = Stored(name, file, str(tensor.dtype).replace("torch.", ""), shape, None)

    def close(self) -> None:
        """Let go of the files."""
        self._open = ("", {})
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()

    def dtype(self, stored: Stored) -> Any:
        """The type as torch's object; None for one that this torch does not have."""
        return getattr(self._torch, _TYPES.get(stored.dtype, stored.dtype), None)

    def has_data(self, stored: Stored) -> bool:
        """False for a tensor that was saved from meta: it has a name and a shape and nothing else."""
        return stored.begin is not None or self._pickled(stored.file)[stored.name].device.type != "meta"

    def rows(self, stored: Stored, shape: Sequence[int], first: int, last: int) -> Any:
        """The rows from `first` to before `last` of the tensor, seen as of `shape`, which has as many elements and at least one dimension."""
        if stored.begin is None:
            return self._pickled(stored.file)[stored.name].detach().reshape(tuple(shape))[first:last]
        kind = self.dtype(stored)
        width = _product(shape[1:])
        size = element_bytes(self._torch, kind)
        content = self._bytes(stored, first * width * size, (last - first) * width * size)
        return self._torch.frombuffer(content, dtype=kind).reshape((last - first, *shape[1:]))

    def _bytes(self, stored: Stored, offset: int, count: int) -> bytearray:
        assert stored.begin is not None
        descriptor = self._descriptors.get(stored.file)
        try:
            if descriptor is None:
                descriptor = self._descriptors[stored.file] = os.open(stored.file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            content = bytearray(count)
            os.lseek(descriptor, stored.begin + offset, os.SEEK_SET)
            with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
                view, read = memoryview(content), 0
                while read < count:
                    more = file.readinto(view[read:])
                    if not more:
                        raise CannotRead("%s: cut short: %s is not all there" % (stored.file, stored.name))
                    read += more
                view.release()
        except OSError as error:
            raise CannotRead("%s: cannot be read: %s" % (stored.file, error.strerror)) from None
        return content

    def _pickled(self, file: str) -> Dict[str, Any]:
        if self._open[0] != file:
            self._open = ("", {})
            self._open = (file, pickled_tensors(self._torch, file))
        return self._open[1]


def pickled_tensors(torch: Any, file: str) -> Dict[str, Any]:
    """The tensors of a `.bin` file, by `torch.load(weights_only=True)`, which builds nothing but tensors. Raises `CannotRead`."""
    import inspect

    options = inspect.signature(torch.load).parameters
    if "weights_only" not in options:
        raise CannotRead("%s: this torch (%s) can read it only by unpickling, which runs what is in it: not read" % (file, torch.__version__))
    given: Dict[str, Any] = {"map_location": "cpu", "weights_only": True}
    try:
        try:
            found = torch.load(file, mmap=True, **given) if "mmap" in options else torch.load(file, **given)
        except (RuntimeError, ValueError):  # a file of before torch 1.6 cannot be mapped
            found = torch.load(file, **given)
    except Exception as error:
        raise CannotRead("%s: not a file of tensors alone, or damaged: %s" % (file, first_line(error))) from None
    if isinstance(found, dict) and not any(isinstance(each, torch.Tensor) for each in found.values()) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict):
        raise CannotRead("%s: holds a %s, not tensors by name" % (file, type(found).__name__))
    return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}


def element_bytes(torch: Any, dtype: Any) -> int:
    """The size of one element."""
    return int(torch.empty(0, dtype=dtype).element_size())


def row_ranges(shape: Sequence[int], size: int) -> Iterator[Tuple[int, int]]:
    """The rows of a tensor in pieces of about `PIECE_BYTES`; `size` is of an element, in bytes."""
    step = max(1, PIECE_BYTES // max(1, _product(shape[1:]) * size))
    for first in range(0, shape[0], step):
        yield first, min(first + step, shape[0])


def first_line(error: BaseException) -> str:
    """`Type: first line of the message`, not too long."""
    lines: List[str] = str(error).strip().splitlines() or [""]
    return ("%s: %s" % (type(error).__name__, lines[0]))[:300]


def _product(sizes: Sequence[int]) -> int:
    found = 1
    for each in sizes:
        found *= each
    return found
