"""What a machine sees of a checkpoint, in a few words to hold against what others see. No weight is read but the ends of the files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from packaging.version import Version

from doctor.errors import DoctorError
from doctor.facts.model import Checkpoint
from doctor.facts.seen import CheckpointSeen
from doctor.files import opened
from doctor.models.estimate import DTYPES, estimated
from doctor.models.inventory import CONFIG, read_checkpoint
from doctor.models.loading import peak_of
from doctor.models.locate import locate_model

_END_BYTES = 64 * 1024
_MOST_WHOLE = 64 * 1024 * 1024
"""Of a configuration or an index, which are read whole."""
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json", "diffusion_pytorch_model.safetensors.index.json")


def seen_checkpoint(name: str, variables: Mapping[str, str], transformers: Version | None) -> CheckpointSeen:
    """The checkpoint of that name as it is here; what keeps it from being read is said in `error`.

    `variables` say where the hub's cache is. `transformers` is the version that is to load it (None: not known, taken for a new one).
    """
    try:
        checkpoint = read_checkpoint(locate_model(name, variables), name)
        return CheckpointSeen(
            name,
            files=len(checkpoint.files),
            bytes=checkpoint.bytes or 0,
            loading=_loading(checkpoint, transformers),
            digest=_digest(checkpoint),
        )
    except DoctorError as error:
        return CheckpointSeen(name, error=str(error))
    except OSError as error:
        return CheckpointSeen(name, error=f"{error.filename or name}: {error.strerror}")


def _loading(checkpoint: Checkpoint, transformers: Version | None) -> int | None:
    """As `doctor fit` sizes a load into RAM without device_map, in the dtype that the configuration names."""
    if checkpoint.tensors is None or checkpoint.format == "gguf":
        return None
    named = checkpoint.config.get("dtype") or checkpoint.config.get("torch_dtype")
    dtype = named if isinstance(named, str) and named in DTYPES else None
    whole = sum(each.bytes for each in checkpoint.tensors) * 8 + 1
    placed = estimated(checkpoint.tensors, dtype, None, {"cpu": whole}, because="the patient was not asked")
    return peak_of(placed, checkpoint, transformers, mapped=False).anonymous


def _digest(checkpoint: Checkpoint) -> str:
    found = hashlib.blake2b(digest_size=16)
    folder = Path(checkpoint.folder or os.curdir)
    for name in (CONFIG, *_INDEXES):
        if (folder / name).is_file():
            _take(found, folder / name, name, _MOST_WHOLE)
    for each in checkpoint.files:
        _take(found, folder / each.name, each.name, _END_BYTES)
    return found.hexdigest()


def _take(found: hashlib.blake2b, path: Path, name: str, most: int) -> None:
    """Take a file's name, its size, and its first and last `most` bytes."""
    with opened(path) as (file, size):
        found.update(f"{name} {size} ".encode("utf-8", "surrogateescape"))
        found.update(file.read(most))
        if size > most:
            file.seek(max(size - most, most))
            found.update(file.read(most))
