"""Facts of an environment out of the words a text has for them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from packaging.version import InvalidVersion

from doctor.facts.environment import Accelerator, AcceleratorKind, Distribution, Driver, Platform, TorchRuntime
from doctor.knowledge.matrix import parse_version
from doctor.readers.statements import Device, Settled


def distribution(name: str, settled: Settled) -> Distribution:
    """The distribution a text names, in the version it states."""
    statement = settled.statement
    origin = statement.origin
    if origin == "index" and name != "torch" and _is_development(statement.value):
        origin = "vcs"  # of these no index has development releases; torch's are its nightly builds
    return Distribution(name, statement.value, "text", origin, statement.revision, statement.installer)


def python_version(stated: str | None) -> str | None:
    """The version of Python that a text states; None where what it says is none."""
    try:
        return stated if stated is not None and parse_version(stated) else None
    except InvalidVersion:
        return None


def _is_development(version: str | None) -> bool:
    try:
        return version is not None and parse_version(version).is_devrelease
    except InvalidVersion:
        return False


_SYSTEMS: Mapping[str, Literal["linux", "darwin", "windows"]] = {
    "windows": "windows", "macos": "darwin", "mac os": "darwin", "darwin": "darwin", "linux": "linux", "ubuntu": "linux", "debian": "linux",
    "centos": "linux", "red hat": "linux", "fedora": "linux", "rocky": "linux", "alma": "linux", "arch": "linux", "suse": "linux", "wsl": "linux",
}  # fmt: skip
_MACHINES = r"x86_64|amd64|AMD64|arm64|aarch64|ppc64le|riscv64|i386|i686"
_MACHINE = re.compile(rf"\b(?:{_MACHINES})\b")
_PLATFORM = re.compile(rf"(?:Linux|macOS|Darwin|Windows)-(?P<release>[^\s]{{1,120}}?)(?:-(?P<machine>{_MACHINES})(?:-.*)?)?$")


def platform_of(platform: str, system: str) -> Platform:
    """From `platform.platform()`, or what people write for it; from `OS:` what that lacks."""
    said = platform or system
    lowered = said.lower()
    known = next((_SYSTEMS[word] for word in _SYSTEMS if word in lowered), None)
    parts = _PLATFORM.match(platform.strip())
    machine = (parts["machine"] if parts else None) or _machine(f"{platform} {system}")
    return Platform(known or "unknown", parts["release"] if parts else None, machine)


def _machine(said: str) -> str | None:
    found = _MACHINE.search(said)
    return found[0] if found is not None else None


def number(text: str | None) -> int | None:
    """A whole number; None for none."""
    return int(text) if text else None


_LOCAL_CUDA = re.compile(r"\+cu(\d{2})(\d)(?:\D|$)")
_LOCAL_ROCM = re.compile(r"\+rocm(\d[\d.]*)")


def torch_runtime(torch: Distribution | None, facts: Mapping[str, str]) -> TorchRuntime:
    """What the text says that torch said. That CUDA is or is not available could be said only with torch imported."""
    version = torch.version if torch is not None else None
    cuda, rocm = _LOCAL_CUDA.search(version or ""), _LOCAL_ROCM.search(version or "")
    available = _flag(facts.get("torch.cuda_available"))
    return TorchRuntime(
        importable=None if available is None else True,
        version=version,
        cuda_built=facts.get("torch.cuda_built") or (f"{cuda[1]}.{cuda[2]}" if cuda else None),
        hip_built=facts.get("torch.hip_built") or (rocm[1] if rocm else None),
        cuda_available=available,
        mps_available=_flag(facts.get("torch.mps_available")),
        xpu_available=_flag(facts.get("torch.xpu_available")),
    )


def _flag(text: str | None) -> bool | None:
    return None if text is None else text == "True"


def accelerator(device: Device, rocm: bool) -> Accelerator:
    """A GPU that a text names; torch calls AMD's `cuda` as well."""
    kind: AcceleratorKind = "rocm" if device.kind == "cuda" and rocm else device.kind
    return Accelerator(kind, device.name[:100], "torch" if device.by_torch else "driver", device.memory)


def drivers(stated: str) -> tuple[Driver, ...]:
    """From "535.104.05 12.2", the second the newest CUDA it serves, where the text says."""
    version, _, cuda = stated.partition(" ")
    return (Driver("nvidia", version, cuda or None),) if version else ()
