"""How much RAM loading takes at most. Pure. The rules are those of the loaders, read from their code, and measured: docs/models.md.

Files are mapped into memory, pickles too. Where a tensor keeps its dtype on its way into RAM, the model's parameter is the file's page, and
nothing is read before it is used; where it does not, both are resident for a while. How long a file stays mapped differs.
"""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import Version

from doctor.facts.frozen import Frozen
from doctor.facts.model import Checkpoint
from doctor.facts.placement import Placement

_LIBRARIES = 350 * 1024**2
"""What a process has resident that has imported torch and transformers and loaded nothing, where the patient does not say; 310 to 390 MiB."""
_OWN = 0.6
"""Of that, what is no page of a file: measured 0.56 to 0.66."""
_RUNNING = 17 * 1024**2
"""What from_pretrained takes beside weights; measured 16 to 18 MB."""
_ASSIGNS = Version("4.43.0")
"""From here on a model that is loaded without device_map takes tensors as they are, where it copied them before."""
_FILE_BY_FILE_UNTIL = Version("5.0.0.dev0")
"""Before, a file was closed before the next was opened; since then all are open until the end."""
_DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


class Peak(Frozen):
    """The most that is resident while loading."""

    bytes: int
    """All of it, as the system counts resident pages: those of files are among them, which it takes back when memory is short."""
    anonymous: int
    """Of that, what cannot be taken back: more of it than there is memory ends the process."""
    assumes: str
    """What it was computed from, in one line."""


def peak_of(placed: Placement, checkpoint: Checkpoint, transformers: Version | None, *, mapped: bool) -> Peak:
    """The peak; `mapped` says whether a device_map is given, `transformers` is its version (None: not known, taken for a new one)."""
    libraries = placed.libraries or _LIBRARIES
    version = transformers or _FILE_BY_FILE_UNTIL
    in_ram = placed.on("cpu")
    total = max(placed.bytes, 1)
    copies = _changes_dtype(placed, checkpoint) or _merges(placed, checkpoint) or (not mapped and version < _ASSIGNS)
    read = (total - placed.on("disk") - (0 if copies else in_ram)) / total
    files = _open_at_once((each.bytes for each in checkpoint.files), version) or total
    own = int(libraries * _OWN) + _RUNNING + (in_ram if copies else 0) + (placed.largest if read and not in_ram else 0)
    pages = int(libraries * (1 - _OWN)) + int(files * read)
    how = (
        "weights are copied while loading (another dtype, or an older loader)" if copies else "weights keep their dtype, so the files are only mapped"
    )
    known = "" if checkpoint.files else "; safetensors in the dtype of the configuration, as there are no files"
    return Peak(own + pages, own, f"{how}{known}; pages of files count, which the system takes back when memory is short")


def _open_at_once(files: Iterable[int], version: Version) -> int:
    sizes = list(files)
    return max(sizes, default=0) if version < _FILE_BY_FILE_UNTIL else sum(sizes)


def _changes_dtype(placed: Placement, checkpoint: Checkpoint) -> bool:
    """Whether the better part of it is stored in floating numbers of another length than it is loaded in."""
    loaded = max(_DTYPES, key=lambda each: placed.dtypes.get(each, 0))
    if checkpoint.tensors is not None:
        stored = {name: sum(each.bytes for each in checkpoint.tensors if each.dtype == name) for name in ("F64", "F32", "F16", "BF16")}
        name = max(stored, key=lambda each: stored[each])
        return bool(stored[name]) and {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}[name] != loaded
    if checkpoint.files:  # Pickles say no dtype, but how long they are.
        share = sum(each.bytes for each in checkpoint.files) / max(placed.bytes, 1)
        return not 0.8 < share < 1.25
    named = checkpoint.config.get("dtype") or checkpoint.config.get("torch_dtype") or "float32"
    return named != loaded


def _merges(placed: Placement, checkpoint: Checkpoint) -> bool:
    """Whether the model has its tensors in other pieces than the files, as experts that are merged while loading."""
    if checkpoint.tensors is None:
        return False
    return len(checkpoint.tensors) > 1.3 * sum(each.tensors for each in placed.parts)
