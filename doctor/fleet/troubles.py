"""What is wrong with one rank, or between the ranks of a job, beside what its environment is known for. Pure.

What launchers and accelerate read, and in which order: accelerate's `utils/environment.py` and `state.py`, transformers' `is_fsdp_enabled`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from doctor.facts.frozen import Frozen
from doctor.facts.sizes import GIB, size
from doctor.fleet.rank import RANKS, SIZES, RankReport

Severity = Literal["silent", "error", "warning"]
SWITCHES = (
    "ACCELERATE_USE_FSDP", "FSDP_VERSION", "FSDP_CPU_RAM_EFFICIENT_LOADING", "FSDP_SYNC_MODULE_STATES", "FSDP_OFFLOAD_PARAMS",
    "ACCELERATE_USE_DEEPSPEED",
)  # fmt: skip
"""What every rank must be told alike; not set is off, and of FSDP the first version."""
_WITHOUT_IT = {
    "FSDP_VERSION": "it is version 1",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "each rank loads the whole model",
    "FSDP_SYNC_MODULE_STATES": "each rank keeps the values it has",
    "FSDP_OFFLOAD_PARAMS": "parameters are not offloaded",
}
"""What accelerate does where a setting of its file is not set in the environment (`utils/dataclasses.py`)."""
_ON = ("1", "true", "t", "yes", "y", "on")


class Rule(Frozen):
    """One thing that is checked over ranks."""

    severity: Severity
    """`silent`: wrong weights with no error."""
    title: str
    remedy: str


RULES = {
    "checkpoint-differs": Rule(
        "silent",
        "the checkpoint is not the same on every one",
        "Copy it anew where it differs, or load it from one place that all of them see; a download that was broken off looks like this.",
    ),
    "not-synced": Rule(
        "silent",
        "only the first rank of a node loads the weights, and nothing sends them to the others",
        "Set FSDP_SYNC_MODULE_STATES=true wherever FSDP_CPU_RAM_EFFICIENT_LOADING is on, or turn that off. accelerate sets it, with a warning.",
    ),
    "switches-disagree": Rule(
        "error",
        "a switch that every rank must have alike is not",
        "Give it to all of them in the same way: by `accelerate launch`, or in the job's script. Where it is off each rank loads the whole model, "
        "and where it is on all but the first of a node stay on meta.",
    ),
    "launchers-contradict": Rule(
        "error",
        "variables of launchers contradict each other",
        "Unset those of the launcher that did not start this job (they are left over from the shell it was started in), or start it by the one "
        "that set them.",
    ),
    "rank-twice": Rule(
        "error",
        "two reports are of one rank",
        "If all of them are of one run, two processes have the same RANK and wait for each other for ever; if not, write each run's reports to a "
        "folder of its own.",
    ),
    "checkpoint-not-here": Rule("error", "the checkpoint cannot be read", "Mount the storage there, or copy the model to every node before the job."),
    "host-memory": Rule(
        "error",
        "the ranks of a node need more memory than it has for loading",
        "Start fewer ranks a node, load with FSDP_CPU_RAM_EFFICIENT_LOADING=true (one rank of a node loads), or in the dtype that is stored.",
    ),
    "host-memory-copies": Rule(
        "warning",
        "memory does not suffice if every rank takes its own copy of the weights",
        "Loaded as stored they share the pages of the files; another dtype, training on the CPU or offloading to it copies them in each rank.",
    ),
    "not-in-effect": Rule(
        "warning",
        "accelerate's configuration file asks for what the environment does not",
        "The file counts for `accelerate launch` only: start the job by it, or set the variables in the job's script.",
    ),
    "ranks-missing": Rule("warning", "ranks of the job wrote no report", "Look for their files; a rank that does not start makes the others wait."),
    "nccl-differs": Rule("warning", "NCCL is not set alike", "Set NCCL_ variables alike on all ranks: what one leaves out, it chooses itself."),
    "disk-full": Rule("warning", "little room in the working folder", "Offloaded weights and checkpoints are written there unless told otherwise."),
}
"""By name, the worst first."""
_LEAST_FREE = GIB


class Trouble(Frozen):
    """One rule that one rank falls under."""

    rule: str
    """A key of `RULES`."""
    detail: str
    """What was seen; the same words wherever the same was."""


def troubles_of(rank: RankReport) -> Iterator[Trouble]:
    """What one rank says that cannot be right, or cannot go well."""
    yield from _launchers(rank)
    yield from _fsdp(rank)
    yield from _checkpoint(rank)


def is_on(value: str | None) -> bool:
    """Whether transformers and accelerate take a variable's value for yes."""
    return value is not None and value.lower() in _ON


def meaning(switch: str, value: str | None) -> str | bool:
    """What accelerate takes a switch for."""
    return value or "1" if switch == "FSDP_VERSION" else is_on(value)


def _launchers(rank: RankReport) -> Iterator[Trouble]:
    sizes = {name: number for name in SIZES if (number := rank.number((name,))) is not None}
    local = rank.number(("LOCAL_WORLD_SIZE",)) or 1
    first = next(iter(sizes), None)
    for name, number in sizes.items():
        if first is not None and sizes[first] not in (number, number * local):
            yield Trouble("launchers-contradict", f"{first}={sizes[first]} and {name}={number}")
    ranks = {name: number for name in RANKS if (number := rank.number((name,))) is not None}
    if len({number for name, number in ranks.items() if sizes.get(SIZES[RANKS.index(name)]) == sizes.get(str(first))}) > 1:
        yield Trouble("launchers-contradict", f"{' and '.join(ranks)} are different numbers")
    world, number = rank.number(SIZES), rank.number(RANKS)
    if world is not None and number is not None and number >= world:
        yield Trouble("launchers-contradict", f"a RANK that is not below WORLD_SIZE={world}")
    locally = rank.number(("LOCAL_RANK",))
    if locally is not None and rank.number(("LOCAL_WORLD_SIZE",)) is not None and locally >= local:
        yield Trouble("launchers-contradict", f"a LOCAL_RANK that is not below LOCAL_WORLD_SIZE={local}")
    tasks = rank.number(("SLURM_NTASKS",))
    if world is not None and tasks is not None and world not in (tasks, tasks * local):
        yield Trouble("launchers-contradict", f"WORLD_SIZE={world} and SLURM_NTASKS={tasks}")


def _fsdp(rank: RankReport) -> Iterator[Trouble]:
    said, uses = rank.variables, is_on(rank.variables.get("ACCELERATE_USE_FSDP"))
    first_kind = meaning("FSDP_VERSION", said.get("FSDP_VERSION")) == "1"
    if (rank.place[1] or 1) > 1:
        yield from _not_in_effect(said, rank.shared.configured)
    told = "FSDP_SYNC_MODULE_STATES" in said
    if uses and first_kind and is_on(said.get("FSDP_CPU_RAM_EFFICIENT_LOADING")) and told and not is_on(said["FSDP_SYNC_MODULE_STATES"]):
        yield Trouble("not-synced", f"FSDP_SYNC_MODULE_STATES={said['FSDP_SYNC_MODULE_STATES']}")


def _not_in_effect(said: Mapping[str, str], configured: Mapping[str, str]) -> Iterator[Trouble]:
    """What the file asks for and the environment does not set; what it sets otherwise was meant so (`accelerate launch --fsdp_version 2`)."""
    missing = [name for name, value in configured.items() if name not in said and meaning(name, value) != meaning(name, None)]
    kind = next((name for name in ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED") if name in missing), None)
    if kind is not None:
        rest = [name.lower() for name in missing if name != kind]
        also = f"; so {', '.join(rest)} of the file have no effect" if rest else ""
        yield Trouble("not-in-effect", f"distributed_type: {kind.removeprefix('ACCELERATE_USE_')} in the file, and {kind} is not set{also}")
        return
    one_loads, first_kind = is_on(said.get("FSDP_CPU_RAM_EFFICIENT_LOADING")), meaning("FSDP_VERSION", said.get("FSDP_VERSION")) == "1"
    for name in missing:
        if name != "FSDP_SYNC_MODULE_STATES" or (first_kind and not one_loads):  # which accelerate sets by itself then
            yield Trouble("not-in-effect", f"{name.lower()}: {configured[name]} in the file, and {name} is not set: {_WITHOUT_IT[name]}")


def _checkpoint(rank: RankReport) -> Iterator[Trouble]:
    seen, free = rank.shared.checkpoint, rank.disk.free
    if free is not None and free < max(_LEAST_FREE, seen.bytes if seen is not None else 0):
        least = f"less than the {size(seen.bytes)} of the model" if seen is not None and free >= _LEAST_FREE else f"less than {size(_LEAST_FREE)}"
        yield Trouble("disk-full", f"{least} free")
    if seen is None:
        return
    if seen.error is not None:
        yield Trouble("checkpoint-not-here", seen.error)
        return
    local, room = rank.on_its_node, rank.memory.limit or rank.memory.total
    said = rank.variables
    one_loads = is_on(said.get("ACCELERATE_USE_FSDP")) and is_on(said.get("FSDP_CPU_RAM_EFFICIENT_LOADING"))
    loading = 1 if one_loads else local
    if room is None:
        return
    who = f"{loading} ranks of a node" if loading > 1 else "one rank of a node"
    if seen.loading is not None and loading * seen.loading > room:
        yield Trouble("host-memory", f"{who} would take {size(loading * seen.loading)}, {size(seen.loading)} each, of {size(room)}")
    elif loading > 1 and loading * seen.bytes > room:
        yield Trouble("host-memory-copies", f"{who} and a model of {size(seen.bytes)}: {size(loading * seen.bytes)}, of {size(room)}")
