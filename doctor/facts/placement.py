"""Where a model goes when it is loaded, and what that leaves on meta. Plain, immutable facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from doctor.facts.frozen import Frozen, field

DecidedBy = Literal["accelerate", "estimate"]
"""`accelerate`: the patient's own from_pretrained decided it on meta; `estimate`: doctor laid the tensors of the files one behind the other."""
VerdictStatus = Literal["fits", "offloaded", "too large", "refused"]
"""`fits`: nothing is left on meta. `offloaded`: it loads, and some of it is on meta after. `too large`: loading ends for want of memory or
disk. `refused`: from_pretrained raises."""


class PlacedPart(Frozen):
    """One entry of a device map: a module, or a single parameter, and everything below it that no other entry names."""

    module: str
    """Its name; empty for the whole model."""
    device: str
    """As accelerate writes it: the number of a GPU, `cpu`, `disk`, `mps`."""
    tensors: int
    """How many parameters (tensors), tied ones once."""
    parameters: int
    """How many numbers these have."""
    bytes: int
    """Of its parameters and buffers, in the dtypes they have once loaded."""


class OnMeta(Frozen):
    """What is on the meta device after loading, and between any two forwards."""

    tensors: int
    """How many parameters (tensors), tied ones once."""
    parameters: int
    """How many numbers these have."""
    bytes: int
    """Of these parameters and the buffers beside them, in the dtypes they have once loaded."""


class CacheSize(Frozen):
    """What generation keeps of keys and values."""

    bytes: int | None
    """None where it could not be told."""
    reason: str | None
    """Why it could not be told, or what it was computed from where the class itself could not be asked; None where the class's own cache says it."""


class Placement(Frozen):
    """Where each part of a model goes."""

    decided_by: DecidedBy
    because: str | None
    """Why it is an estimate; None where it is none."""
    model_class: str | None
    """The class that was built; None for an estimate."""
    parameters: int
    """Every parameter once, however many names it has."""
    buffers: int
    buffer_bytes: int
    not_saved: int
    """Bytes of the buffers that no checkpoint holds."""
    dtypes: Mapping[str, int]
    """Bytes by dtype, parameters and buffers."""
    parts: tuple[PlacedPart, ...]
    """In the order of the device map."""
    on_meta: OnMeta
    limits: Mapping[str, int]
    """By device, the bytes that accelerate takes for free, before it keeps some of them back."""
    ties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the name of a parameter, the other names it has."""
    whole: tuple[str, ...] = ()
    """The classes of modules that are not split."""
    largest: int = 0
    """Bytes of the largest single tensor."""
    cache: CacheSize | None = None
    """None where it was not asked for."""
    libraries: int | None = None
    """Bytes of RAM that the process had with its packages imported and no model; None for an estimate, and off Linux."""

    @property
    def bytes(self) -> int:
        """Of all of it."""
        return sum(each.bytes for each in self.parts)

    def on(self, device: str) -> int:
        """Bytes on one device."""
        return sum(each.bytes for each in self.parts if each.device == device)

    @property
    def devices(self) -> tuple[str, ...]:
        """Every device that gets something, GPUs first, then memory, then the disk."""
        return tuple(sorted({each.device for each in self.parts}, key=device_order))


class Refusal(Frozen):
    """from_pretrained does not come as far as a placement."""

    error: str
    """What it raises."""


class MachineLimits(Frozen):
    """What there is to put a model into, in bytes; None where it is not known."""

    gpus: Mapping[str, int | None]
    """By the number that torch gives it, free memory."""
    ram: int | None
    """Available, within the least limit set on this process."""
    ram_source: str
    """Where that was read, for people."""
    disk: int | None
    """Free where offloaded weights would be written."""


def device_order(device: str) -> tuple[int, int, str]:
    """GPUs by number, then others, memory, and the disk."""
    if device.isdecimal():
        return 0, int(device), ""
    return {"cpu": 2, "disk": 3}.get(device, 1), 0, device
