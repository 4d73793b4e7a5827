"""What is known about one patient: plain, immutable facts, and for each fact that could not be had, the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from doctor.facts.frozen import Frozen, field

AcceleratorKind = Literal["cuda", "rocm", "mps", "xpu"]
Origin = Literal["index", "editable", "vcs", "archive", "directory"]
VersionSource = Literal["module", "metadata", "folder-name", "text", "frames", "unknown"]
STACK = ("torch", "transformers", "accelerate")
"""The packages without whose versions little can be said."""


THIS_MACHINE = "this machine"
"""The source of a fact that no text states but a probe found, where both were asked."""


class Unknown(Frozen):
    """A fact that could not be had."""

    fact: str
    """Dotted name of the fact, as in the JSON report: `torch.cuda_available`."""
    reason: str
    """Why it could not be had, for people."""
    important: bool = False
    """True when the diagnosis could have come out otherwise with the fact: such a run never exits like a clean one."""


class Python(Frozen):
    """The interpreter examined."""

    executable: str | None
    """None when the environment was read from a text."""
    version: str | None
    """`3.11.7`, or `3.11` where a text says no more; None when nothing says it."""
    implementation: str | None
    """`CPython`, `PyPy`; None when nothing says it."""
    prefix: str | None
    """`sys.prefix`: the folder of the virtual environment, conda environment or installation. None when it was read from a text."""
    chosen_because: str
    """Why this interpreter and not another, for the first line of every report."""


class Platform(Frozen):
    """The operating system."""

    system: Literal["linux", "darwin", "windows", "other", "unknown"]
    """`unknown` when a text does not say."""
    release: str | None
    """Of the kernel or system; None when nothing says it."""
    machine: str | None
    """`x86_64`, `arm64`; None when nothing says it."""


class Distribution(Frozen):
    """One installed distribution (PyPA: "Recording installed projects")."""

    name: str
    """Normalised as PEP 503 says."""
    version: str | None
    """The version that runs: the module's own `__version__` where it can be read, else the metadata's. None when neither can, and when
    a text names the package without its version."""
    source: VersionSource
    """Where `version` was read; `text` also when a text says that it is installed, but no version."""
    origin: Origin = "index"
    """How it was installed, from direct_url.json (PEP 610); `index` when there is none."""
    revision: str | None = None
    """The commit of a `vcs` install."""
    installer: str | None = None
    """First line of the INSTALLER file (`pip`, `uv`, `conda`), None when there is none."""
    candidates: tuple[str, ...] = ()
    """Releases of which one ran, as far as the line numbers of a traceback tell, oldest first; empty where they were not asked."""

    @property
    def shown_version(self) -> str | None:
        """The version for people, or the releases it is one of; None when nothing says it."""
        if self.version is not None or not self.candidates:
            return self.version
        if len(self.candidates) <= 4:
            return f"one of {', '.join(self.candidates)}"
        return f"one of {len(self.candidates)} releases from {self.candidates[0]} to {self.candidates[-1]}"


class Requirement(Frozen):
    """A declared dependency of an installed distribution on a package of the matrix."""

    dependent: str
    """The distribution that declares it."""
    package: str
    """The one it needs."""
    specifier: str
    """Which versions of it, as PEP 440 writes them: `>=2.0`; empty for any."""


class Memory(Frozen):
    """All in bytes; None where the system does not say."""

    total: int | None
    """Of the machine."""
    available: int | None
    """Without swapping, at the time of the probe."""
    limit: int | None
    """The least limit set on this process below `total`; None when there is none."""
    limit_source: str | None
    """What sets the limit: `cgroup v2 (/docker/…)`, `RLIMIT_AS`."""


class Disk(Frozen):
    """Room for offloaded weights."""

    path: str | None
    """The working directory: where a relative `offload_folder` puts offloaded weights. None when it was read from a text."""
    free: int | None
    """Bytes this user may still write; None when the system does not say."""


class Accelerator(Frozen):
    """One device, as torch or its driver sees it; one that both see stands here twice."""

    kind: AcceleratorKind
    """How torch addresses it."""
    name: str
    """As its maker calls it: `NVIDIA A100-SXM4-80GB`."""
    seen_by: Literal["torch", "driver"]
    """Who told of it."""
    memory_total: int | None = None
    """Bytes."""
    memory_free: int | None = None
    """Bytes."""
    compute_capability: str | None = None
    """`8.6`; CUDA only."""


class Driver(Frozen):
    """The GPU driver of the machine, asked without torch."""

    vendor: Literal["nvidia", "amd"]
    """Whose driver it is."""
    version: str | None
    """`550.54.14`; None when it does not say."""
    cuda_version: str | None
    """The newest CUDA runtime the NVIDIA driver serves, `12.4`; None for other vendors."""


class TorchRuntime(Frozen):
    """What torch itself said, in the patient's interpreter."""

    importable: bool | None
    """None when torch was not asked (`--no-live`), the interpreter never got as far as asking it, or a text does not say."""
    version: str | None = None
    """`torch.__version__`, its local part included; None when torch did not say."""
    cuda_built: str | None = None
    """`torch.version.cuda`; None for a build without CUDA."""
    hip_built: str | None = None
    """`torch.version.hip`; None for a build without ROCm."""
    cuda_available: bool | None = None
    """`torch.cuda.is_available()`; None when torch did not say."""
    cuda_unavailable_because: str | None = None
    """What torch gave as the reason; None when there is none."""
    mps_available: bool | None = None
    """`torch.backends.mps.is_available()`; None when torch did not say."""
    xpu_available: bool | None = None
    """`torch.xpu.is_available()`; None when torch did not say."""
    arch_list: tuple[str, ...] = ()
    """`sm_80`, ... : the architectures the CUDA build carries code for."""
    default_dtype: str | None = None
    """`torch.float32` unless start-up code set another; None when torch did not say."""
    default_device: str | None = None
    """Where new tensors go: `cpu`; None when torch did not say."""
    error: str | None = None
    """Why it cannot be imported, or what it did not get past, in one line."""


class Manager(Frozen):
    """What puts packages into this environment."""

    name: Literal["pip", "uv", "uv-project", "poetry", "pdm", "pixi"]
    """Conda is not among them: in a conda environment, INSTALLER says of each distribution whether conda or pip put it there."""
    project: str | None = None
    """The folder whose lock file rules the environment; None for `pip` and `uv`, which have none."""


class InstallationFault(Frozen):
    """Something wrong with how the environment is installed; `diagnose` makes it a finding."""

    slug: str
    """A key of `doctor.knowledge.installation.KNOWN_FAULTS`."""
    package: str
    """The distribution that it was seen on."""
    detail: str
    """What was seen, for people."""
    installed: str | None = None
    """The version that runs; None when it could not be had."""


class Environment(Frozen):
    """Everything known about one patient, the same whether probed live or read from text."""

    python: Python
    platform: Platform
    packages: Mapping[str, Distribution]
    """By normalised name: the packages the matrix speaks of that are installed. One that is absent is not, unless `partial`: see `installed`."""
    memory: Memory
    disk: Disk
    torch: TorchRuntime
    accelerators: tuple[Accelerator, ...] = ()
    """Every device that was seen."""
    drivers: tuple[Driver, ...] = ()
    """GPU drivers that were found."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that change how models load, from an allow-list."""
    requirements: tuple[Requirement, ...] = ()
    """What installed distributions declare about packages of the matrix."""
    faults: tuple[InstallationFault, ...] = ()
    """What is wrong with how it is installed."""
    unknown: tuple[Unknown, ...] = ()
    """The facts that could not be had."""
    manager: Manager = Manager("pip")
    partial: bool = False
    """True when only some of what is installed is known, as a text names it or as time allowed: another package may be there or not."""
    absent: tuple[str, ...] = ()
    """What a partial text says is not installed."""
    variables_known: bool = True
    """False for a text, which says of no variable that it is not set."""
    read_from: str | None = None
    """What was read, for the first line of the report: `issue.txt: a pip list (line 3)`. None when no text was."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """By dotted name of a fact, as in the JSON report: where a text states it, or `this machine`. Empty for a live probe."""

    def installed(self, name: str) -> bool | None:
        """Whether a package is installed; None when a partial text does not say."""
        if name in self.packages:
            return True
        return None if self.partial and name not in self.absent else False
