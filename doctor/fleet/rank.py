"""What one rank or node said of itself, and why one said nothing. Plain, immutable facts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from doctor.diagnosis.comparison import compared
from doctor.facts.environment import Disk, Environment, Memory
from doctor.facts.frozen import Frozen, replace
from doctor.facts.seen import CheckpointSeen

RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PMI_RANK")
SIZES = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE")
LOCAL_SIZES = (
    "LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_NTASKS_PER_NODE",
)  # fmt: skip
"""What launchers call the same, the one first that torch.distributed reads."""
_OWN = frozenset({
    *RANKS, "LOCAL_RANK", "GROUP_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_PROCID",
    "SLURM_LOCALID", "SLURM_NODEID", "JOB_COMPLETION_INDEX",
})  # fmt: skip
"""Variables that no two ranks have alike."""
_DEVICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
"""Variables of which only the number of devices has to be alike."""
NO_MEMORY, NO_DISK = Memory(None, None, None, None), Disk(None, None)
_NUMBER = re.compile(r"\d{1,9}")


class Shared(Frozen):
    """What many ranks say alike: one object for all of them."""

    environment: Environment
    """Without memory, disk, and the variables that are each rank's own."""
    checkpoint: CheckpointSeen | None
    """None where no model was named."""
    configured: Mapping[str, str]
    """The switches that accelerate's configuration file asks for, by the variable that `accelerate launch` makes of each."""
    digest: str
    """Of what is held against other ranks."""


class RankReport(Frozen):
    """What one rank or node said."""

    label: str
    """What it is called: the name of its file, or of the node."""
    shared: Shared
    variables: Mapping[str, str]
    """All that it has, its own included."""
    memory: Memory
    disk: Disk

    def number(self, names: tuple[str, ...]) -> int | None:
        """The first of these variables that is a number; None where none is."""
        return next((int(value) for name in names if _NUMBER.fullmatch(value := self.variables.get(name, ""))), None)

    @property
    def place(self) -> tuple[int | None, int | None]:
        """Its rank, and how many there are: as its launcher says, else as Slurm counts the tasks, which may be launchers of several ranks each."""
        if self.number((*RANKS, *SIZES)) is None:
            return self.number(("SLURM_PROCID",)), self.number(("SLURM_NTASKS",))
        return self.number(RANKS), self.number(SIZES)

    @property
    def on_its_node(self) -> int:
        """How many ranks there are on its node; where only Slurm says how many there are in all, the least that some node must have."""
        local, tasks, nodes = self.number(LOCAL_SIZES), self.number(("SLURM_NTASKS",)), self.number(("SLURM_NNODES",))
        if local is None and tasks and nodes and self.number(SIZES) is None:
            local = -(-tasks // nodes)
        return local or 1


class NoReport(Frozen):
    """A rank or node that said nothing that can be used."""

    label: str
    reason: str
    """Why not, without the label."""


def shared_by(environment: Environment, checkpoint: CheckpointSeen | None, configured: Mapping[str, str]) -> Shared:
    """What of a rank's facts others can be expected to have as well."""
    accelerators = tuple(replace(each, memory_free=None) for each in environment.accelerators)
    alike = replace(environment, memory=NO_MEMORY, disk=NO_DISK, accelerators=accelerators, variables=common_variables(environment.variables))
    seen = [checkpoint.error is None, checkpoint.digest] if checkpoint is not None else None
    faults = sorted({each.slug for each in environment.faults})
    said = json.dumps([sorted(compared(alike).items()), seen, sorted(configured.items()), faults])
    return Shared(alike, checkpoint, configured, hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest())


def common_variables(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Those that ranks should have alike."""
    found = {name: value for name, value in variables.items() if name not in _OWN}
    for name in _DEVICES:
        if re.fullmatch(r"[\d,. ]{1,200}", found.get(name, "")):
            count = found[name].count(",") + 1
            found[name] = f"{count} device{'' if count == 1 else 's'}"
    return found
