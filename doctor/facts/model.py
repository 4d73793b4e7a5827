"""What a checkpoint and its configuration say without being loaded. Plain, immutable facts."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, Literal

from doctor.facts.frozen import Frozen, field

StorageFormat = Literal["safetensors", "bin", "gguf", "none"]
"""What a checkpoint's weights are kept in; `none` where only its configuration is there."""


class Model(Frozen):
    """One checkpoint."""

    path: str
    """As it was named on the command line."""
    architectures: tuple[str, ...]
    """The classes that it was saved from; empty when the configuration does not say."""
    holds: frozenset[str] = frozenset()
    """Words of the vocabulary of uses (`doctor.knowledge.uses`) that are true of it."""
    lacks: frozenset[str] = frozenset()
    """Words that are not; of any other word nothing is known."""
    code: tuple[str, ...] = ()
    """The files of its own code that its configuration names, which `trust_remote_code=True` would run."""


class StoredTensor(Frozen):
    """One tensor of a checkpoint, as the header of its file describes it."""

    name: str
    dtype: str
    """As the file calls it: `BF16` (safetensors), `Q4_K` (GGUF)."""
    shape: tuple[int, ...]
    """As torch gives it: the dimension that changes fastest stands last, in GGUF as well."""
    bytes: int
    file: str
    """The name of the file it is in, within the checkpoint's folder."""
    offset: int
    """Of its first byte, from the beginning of the file."""

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


class StoredFile(Frozen):
    """One file of a checkpoint's weights."""

    name: str
    """Within the checkpoint's folder."""
    bytes: int


class Checkpoint(Frozen):
    """The inventory of a checkpoint, from its configuration and the headers of its files. No weight was read."""

    path: str
    """As it was named on the command line."""
    folder: str | None
    """Where its files lie; None for one that was looked at over the network."""
    format: StorageFormat
    config: Mapping[str, Any] = field(default_factory=dict)
    """Its config.json, or the `config_class` of a pipeline's part; empty where it has none."""
    files: tuple[StoredFile, ...] = ()
    """Those with weights, in the order of their names; empty where only the configuration is there."""
    tensors: tuple[StoredTensor, ...] | None = None
    """Every tensor, in the order of the files; None where the headers do not say: `.bin` files are pickles, which are never unpickled."""
    names: tuple[str, ...] | None = None
    """The names of the tensors, also where only an index says them; None where nothing does."""
    code: tuple[str, ...] = ()
    """The files of its own code that its configuration names, which `trust_remote_code=True` would run."""
    parts: tuple[str, ...] = ()
    """The folders of the models that a diffusers pipeline is made of; empty for a model that is one."""

    @property
    def bytes(self) -> int | None:
        """Of the tensors where they are known, else of the files (which are a little longer); None where there are none."""
        if self.tensors is not None:
            return sum(each.bytes for each in self.tensors)
        return sum(each.bytes for each in self.files) if self.files else None
