"""What was found when a loaded model was held against its checkpoint. Plain, immutable facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from doctor.facts.frozen import Frozen

FaultKind = Literal[
    "uninitialised",
    "parameter-not-as-built",
    "buffer-not-as-built",
    "saved-buffer-not-as-built",
    "on-meta",
    "fresh",
    "another-tensor",
    "transposed",
    "cast",
    "no-data-in-file",
    "other-shape",
    "other-values",
    "hook",
    "tie-lost",
    "tie-unasked",
    "process",
    "not-saved",
    "rounded",
]
"""`uninitialised`: never loaded, memory that nobody wrote; `parameter-not-as-built`, `buffer-not-as-built`,
`saved-buffer-not-as-built`: no file holds it, and it is not as its class sets it (a saved buffer is one that a file could hold); `on-meta`: no
data, and nothing that keeps its values; `fresh`: never loaded, freshly initialised; `another-tensor`, `transposed`, `cast` (an integer became a
float, or the other way round), `other-shape`, `other-values`, `rounded`: not as in the file; `no-data-in-file`: the file itself was saved from
meta; `hook`: called, the module computes with something else; `tie-lost`, `tie-unasked`: weights tied wrongly; `process`: modules made from now
on are put on meta; `not-saved`: a buffer that saving would leave out."""
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
"""Worst first: what computes garbage before what computes with other weights, and that before what only concerns what comes later."""
TensorState = Literal["as-in-file", "as-the-class-sets-it", "wrong", "not-told"]
TensorKind = Literal["parameter", "buffer", "attribute"]


class Tensor(Frozen):
    """One parameter or buffer of the model, under one of its names."""

    name: str
    """Without what wrappers (torch.compile, FSDP, peft) put into it."""
    kind: TensorKind
    """`attribute`: a plain tensor, which neither moves nor is saved with the model; told only where it is on meta."""
    shape: tuple[int, ...]
    """Of the whole, where this process holds a part."""
    dtype: str
    """As torch names it: `bfloat16`."""
    device: str
    """As torch names it; `meta` also for one that is offloaded."""
    state: TensorState
    """What came of it."""
    detail: str
    """Why it is wrong, or could not be told; empty otherwise."""
    values: str
    """What its values look like, where they are wrong: `all zeros`, `mean 0.0002, deviation 0.02`; empty otherwise."""
    where: str
    """Where its values are, when not plainly in the model: `offloaded to disk`, `shard at (1,) of the mesh`, `packed as
    Params4bit`; empty otherwise."""
    source: tuple[str, ...]
    """The tensors of the files that it was held against; several where it was put together from them."""
    digest: str | None = None
    """BLAKE2b over its type, shape and bytes as this process holds it; None when not asked for, or where there are none."""


class Fault(Frozen):
    """Something that is wrong with some tensors, in the same way with each."""

    kind: FaultKind
    """How it is wrong, the worst first: `uninitialised`."""
    detail: str
    """The same in words."""
    names: tuple[str, ...]
    """The tensors, or for `hook` modules; empty for `process`."""
    advisories: tuple[str, ...] = ()
    """Ids of known problems of the installed versions that leave a model so."""


class NotTold(Frozen):
    """Tensors of which it could not be told whether they are right."""

    names: tuple[str, ...]
    """Of the tensors."""
    reason: str
    """Why not."""


class Inspection(Frozen):
    """A model held against its checkpoint."""

    class_: str
    """Of the model."""
    module: str
    """Where that class is defined: `transformers.models.llama.modeling_llama`."""
    tensors: tuple[Tensor, ...]
    """Every parameter and buffer, a tied one under each of its names."""
    faults: tuple[Fault, ...]
    """What is wrong, worst first."""
    not_told: tuple[NotTold, ...]
    """What could not be told."""
    ties: int
    """How many names share the weight of another as they should."""
    in_files: int
    """How many tensors the files hold; 0 when the model was held against its class alone."""
    unused: tuple[str, ...]
    """Tensors of the files that nothing in the model was loaded from."""
    device_map: Mapping[str, str]
    """`hf_device_map`; empty where the model has none."""
    unbuilt: str
    """Why its class could not be built once more, wholly or in part; empty where it could."""

    @property
    def exit_code(self) -> int:
        """0 when all is true to the files, 1 when something is not, 2 when that could not be told."""
        return 1 if self.faults else 2 if self.not_told else 0

    @property
    def own_class(self) -> bool:
        """Whether the model's class is of the user's own making, and not one that a library ships."""
        return self.module.partition(".")[0] not in ("transformers", "diffusers", "peft", "torch", "sentence_transformers")


def sentence(inspection: Inspection) -> str:
    """What is right, in one line: `all 291 tensors are those of the file, 1 tie holds, 3 buffers rebuilt`."""
    states = [(each.state, each.kind) for each in inspection.tensors]
    loaded = max(0, sum(state == "as-in-file" for state, _ in states) - inspection.ties)
    buffers = sum(state == ("as-the-class-sets-it") and kind == "buffer" for state, kind in states)
    set_ = sum(state == "as-the-class-sets-it" and kind == "parameter" for state, kind in states)
    wrong = sum(state in ("wrong", "not-told") for state, _ in states)
    offloaded = sum(each.where.startswith("offloaded") and each.state == "as-in-file" for each in inspection.tensors)
    parts = []
    if loaded or inspection.in_files:
        parts.append(f"{'all ' if not wrong else ''}{_count(loaded, 'tensor')} {_are(loaded)} {'those' if loaded != 1 else 'that'} of the file")
    packed = sum(each.where.startswith("packed") and each.state == "as-in-file" for each in inspection.tensors)
    if packed:
        parts.append(f"{packed} of them quantised")
    if offloaded:
        parts.append(f"{offloaded} of them offloaded")
    if inspection.ties:
        parts.append(f"{_count(inspection.ties, 'tie')} hold{'' if inspection.ties != 1 else 's'}")
    if buffers:
        parts.append(f"{_count(buffers, 'buffer')} rebuilt")
    if set_:
        parts.append(f"{_count(set_, 'parameter')} that the file lacks {_are(set_)} as the class sets {'them' if set_ != 1 else 'it'}")
    return ", ".join(parts) or "nothing of it was held against a file"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
