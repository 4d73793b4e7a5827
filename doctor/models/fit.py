"""What a placement means on a machine: whether it loads, what is left on meta, what would make it fit. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from doctor.facts.frozen import Frozen
from doctor.facts.placement import MachineLimits, PlacedPart, Placement, Refusal, VerdictStatus
from doctor.facts.sizes import size
from doctor.models.loading import Peak

_FEW = 3
"""So many modules are named that are no layers."""
_LAST_NUMBER = re.compile(r"^(?P<stem>.*?)\.(?P<number>\d+)$")


class Verdict(Frozen):
    """What comes of loading it."""

    status: VerdictStatus
    line: str
    """It, in one line for people."""


class Conditions(Frozen):
    """What a verdict depends on beside the placement."""

    machine: MachineLimits
    peak: Peak | None
    """None where it is not known."""
    needs_folder: bool
    """Whether what goes to the disk is written anew, which takes `offload_folder`: weights from pickles."""
    folder_given: bool
    whole_disk_refused: bool
    """Whether this release refuses a map that puts everything on the disk."""


def verdict_on(placed: Placement | Refusal, conditions: Conditions) -> Verdict:
    """The verdict, in the order of what would happen: it is refused, it runs out of something, it is offloaded, it fits."""
    if isinstance(placed, Refusal):
        return Verdict("refused", f"does not load: from_pretrained raises {placed.error}")
    machine = conditions.machine
    here = in_words(machine)
    refused = _refused(placed, conditions)
    if refused:
        return Verdict("refused", f"does not fit in {here}: {refused}")
    wanting = next(_wanting(placed, conditions), None)
    if wanting:
        return Verdict("too large", f"does not fit in {here}: {wanting}")
    if placed.on_meta.tensors:
        moved = "; ".join(f"{modules_in_words(placed.parts, each)} go{_s(placed.parts, each)} to {_place(each)}" for each in _offloaded(placed))
        after = "`.to()`, Trainer and merge_and_unload will raise; generation works, slowly"
        return Verdict("offloaded", f"does not fit in {here}: {moved}; {after}")
    room = ", ".join(f"{size(placed.on(each))} {_on(each)}" for each in placed.devices)
    return Verdict("fits", f"fits in {here}: {room}; nothing is left on meta")


def _refused(placed: Placement, conditions: Conditions) -> str | None:
    devices = set(placed.devices)
    if devices == {"disk"} and conditions.whole_disk_refused:
        return "all of it would go to the disk, which these releases refuse (`disk_offload` is another function)"
    if "disk" in devices and conditions.needs_folder and not conditions.folder_given:
        where = modules_in_words(placed.parts, "disk")
        return f"{where} would go to the disk, and weights that are no safetensors need an offload_folder there: from_pretrained raises ValueError"
    return None


def _wanting(placed: Placement, conditions: Conditions) -> Iterator[str]:
    """What there is too little of."""
    machine, cached = conditions.machine, (placed.cache.bytes or 0) if placed.cache else 0
    for device in placed.devices:
        free = machine.gpus.get(device)
        if device.isdecimal() and free is not None and placed.on(device) > free:
            yield f"GPU {device} is given {size(placed.on(device))} and has {size(free)} free: out of memory while loading"
    if machine.ram is not None:
        seen = placed.limits.get("cpu")
        why = f", though accelerate takes {size(seen)} for free" if seen is not None and seen > machine.ram * 1.05 else ""
        there = f"and {size(machine.ram)} is available ({machine.ram_source}){why}"
        if placed.on("cpu") > machine.ram:
            yield f"{size(placed.on('cpu'))} would lie in RAM {there}: the process is killed, or reads the files again for each forward"
        if conditions.peak is not None and conditions.peak.anonymous > machine.ram:
            yield f"loading takes {size(conditions.peak.anonymous)} of RAM {there}: the process is killed"
    if conditions.needs_folder and machine.disk is not None and placed.on("disk") > machine.disk:
        yield f"{size(placed.on('disk'))} would be written to a disk that has {size(machine.disk)} free"
    accelerators = [each for each in placed.devices if each.isdecimal()]
    free = sum(machine.gpus.get(each) or 0 for each in accelerators)
    if accelerators and cached and placed.devices == tuple(accelerators) and sum(map(placed.on, accelerators)) + cached > free:
        yield f"with {size(cached)} for keys and values it takes {size(placed.bytes + cached)}: out of memory while generating"


def _offloaded(placed: Placement) -> list[str]:
    """The devices that parameters are offloaded to."""
    has_accelerator = any(each not in ("cpu", "disk", "mps") for each in placed.devices)
    return [each for each in placed.devices if each == "disk" or (each == "cpu" and has_accelerator)]


def in_words(machine: MachineLimits) -> str:
    """`24 GiB GPU + 8 GiB RAM`."""
    sizes = [each for each in machine.gpus.values() if each is not None]
    alike = len(set(sizes)) == 1 and len(sizes) > 1
    gpus = [f"{len(sizes)} GPUs of {size(sizes[0])}"] if alike else [f"{size(each)} GPU" for each in sizes]
    return " + ".join([*gpus, f"{size(machine.ram)} RAM" if machine.ram is not None else "RAM of unknown size"])


def modules_in_words(parts: Sequence[PlacedPart], device: str) -> str:
    """What goes to a device: layers by their range, other modules by name where they are few."""
    layers: dict[str, list[int]] = {}
    others = []
    for each in parts:
        if each.device != device:
            continue
        numbered = _LAST_NUMBER.match(each.module)
        if numbered and each.tensors:
            layers.setdefault(numbered["stem"], []).append(int(numbered["number"]))
        elif each.tensors:
            others.append(each.module)
    several = len(layers) > 1
    words = [f"{f'{stem} ' if several else 'layer ' if len(numbers) == 1 else 'layers '}{_ranges(numbers)}" for stem, numbers in layers.items()]
    if "" in others:
        return "everything"
    words += others[:_FEW] if len(others) <= _FEW else [f"{len(others)} other modules"]
    return _enumerated(words) or "buffers"


def _ranges(numbers: Sequence[int]) -> str:
    ordered = sorted(set(numbers))
    runs: list[list[int]] = []
    for each in ordered:
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _enumerated(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _s(parts: Sequence[PlacedPart], device: str) -> str:
    """The ending of a verb about what goes to a device."""
    placed = [each for each in parts if each.device == device and each.tensors]
    return "es" if len(placed) == 1 else ""


def _place(device: str) -> str:
    return {"cpu": "RAM", "disk": "the disk"}.get(device, device)


def _on(device: str) -> str:
    return f"on GPU {device}" if device.isdecimal() else {"cpu": "in RAM", "disk": "on the disk"}.get(device, f"on {device}")
