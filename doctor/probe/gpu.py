"""GPUs and their drivers, asked without torch: NVIDIA's through NVML, others and missing drivers from what Linux shows of the PCI bus."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.facts.environment import Accelerator, Driver, InstallationFault, TorchRuntime, Unknown
from doctor.facts.frozen import Frozen
from doctor.knowledge import schema
from doctor.probe.answers import Device, json_answers, last_line

if TYPE_CHECKING:
    from doctor.probe.child import Child, Outcome

NVML_TIMEOUT_SECONDS = 10.0
_SCRIPT = Path(__file__).parent / "nvml_facts.py"
_PCI = Path("/sys/bus/pci/devices")
_NVIDIA_DRIVER = (Path("/proc/driver/nvidia"), Path("/dev/nvidiactl"), Path("/dev/dxg"))
"""Where Linux shows a driver that NVML can talk to, the last in WSL."""
_AMD_DRIVER = Path("/sys/module/amdgpu")
_VENDORS = {"0x10de": "nvidia", "0x1002": "amd"}


class GpuFacts(Frozen):
    """What the drivers and the bus show."""

    accelerators: tuple[Accelerator, ...] = ()
    drivers: tuple[Driver, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    vendors_on_bus: frozenset[str] = frozenset()
    """`nvidia`, `amd`: makers of display controllers on the PCI bus, driver or not. Empty off Linux, and in many containers."""


class _Answers(Frozen):
    absent: bool = False
    """No NVIDIA driver on this machine."""
    error: str | None = None
    driver: str | None = None
    cuda_version: str | None = None
    devices: tuple[Device, ...] = ()


def has_nvidia(pci: Path = _PCI, driver: tuple[Path, ...] = _NVIDIA_DRIVER) -> bool:
    """Whether there may be an NVIDIA driver or GPU here. Asking NVML costs as much as the rest of doctor's start."""
    return sys.platform != "linux" or any(os.path.exists(each) for each in driver) or "nvidia" in _display_vendors(pci)


def start_nvml() -> Child:
    """Start asking NVML, in a child of doctor's own interpreter: a broken driver can hang or crash whoever asks it."""
    from doctor.probe.child import Child, script_command

    return Child(script_command(sys.executable, _SCRIPT, NVML_TIMEOUT_SECONDS), NVML_TIMEOUT_SECONDS)


def gpu_facts(nvml: Outcome | None, pci: Path = _PCI, amd_driver: Path = _AMD_DRIVER) -> GpuFacts:
    """The drivers that answered, the GPUs they know, and what is on the bus; `nvml` is None where nobody was there to ask."""
    vendors = frozenset(_display_vendors(pci))
    drivers = []
    if os.path.isdir(amd_driver):
        drivers.append(Driver("amd", _first_line(amd_driver / "version"), None))
    if nvml is None:
        return GpuFacts((), tuple(drivers), (), vendors)
    data = json_answers(nvml.stdout)
    if not data or any(schema.mismatches(_Answers, data)):
        how = "the NVIDIA driver did not answer in time" if nvml.timed_out else f"asking the NVIDIA driver ended with {nvml.ending}"
        said = last_line(nvml.stderr)
        reason = how + (f" ({said})" if said else "")
        return GpuFacts((), tuple(drivers), (Unknown("drivers.nvidia", reason),), vendors)
    answers: _Answers = schema.construct(_Answers, data)
    if answers.absent or answers.error:
        unknown = () if answers.absent else (Unknown("drivers.nvidia", f"NVML: {answers.error}"),)
        return GpuFacts((), tuple(drivers), unknown, vendors)
    drivers.append(Driver("nvidia", answers.driver, answers.cuda_version))
    accelerators = tuple(
        Accelerator("cuda", each.name, "driver", each.memory_total, each.memory_free, each.compute_capability) for each in answers.devices
    )
    return GpuFacts(accelerators, tuple(drivers), (), vendors)


def _display_vendors(pci: Path) -> list[str]:
    """PCI class 0x03 is a display controller (PCI Code and ID Assignment Specification)."""
    try:
        devices = list(pci.iterdir())
    except OSError:
        return []
    display = (device for device in devices if (_first_line(device / "class") or "").startswith("0x03"))
    return [_VENDORS[vendor] for device in display if (vendor := _first_line(device / "vendor") or "") in _VENDORS]


def _first_line(file: Path) -> str | None:
    try:
        return file.read_text("ascii", "replace").split("\n", 1)[0].strip() or None
    except OSError:
        return None


def gpu_faults(torch: TorchRuntime, facts: GpuFacts) -> list[InstallationFault]:
    """Where torch's build, the driver and the GPUs do not fit together."""
    if not torch.importable or torch.cuda_available is None:
        return []
    nvidia = next((driver for driver in facts.drivers if driver.vendor == "nvidia"), None)
    names = ", ".join(sorted({each.name for each in facts.accelerators}))
    if torch.cuda_built is None and torch.hip_built is None and not torch.xpu_available and not torch.mps_available:
        detail = f"the driver knows {names}; torch {torch.version} is a CPU build"
        return [InstallationFault("cpu-build-with-gpu", "torch", detail, torch.version)] if names else []
    if torch.cuda_built is not None and nvidia is None and "nvidia" in facts.vendors_on_bus:
        silence = "; ".join(each.reason for each in facts.unknown) or "NVML finds no driver"
        return [InstallationFault("gpu-without-driver", "torch", f"an NVIDIA GPU is on the PCI bus, but {silence}", torch.version)]
    if not torch.cuda_available and nvidia is not None and _older(nvidia.cuda_version, torch.cuda_built):
        detail = f"driver {nvidia.version} serves CUDA up to {nvidia.cuda_version}; this torch is built for CUDA {torch.cuda_built}"
        return [InstallationFault("driver-too-old", "torch", detail, torch.version)]
    return _architecture_faults(torch, facts)


def _architecture_faults(torch: TorchRuntime, facts: GpuFacts) -> list[InstallationFault]:
    """GPUs older or newer than anything the build has code for. `sm_80` code runs on 8.x from 8.0 on; `compute_` code on all newer."""
    faults = []
    for each in facts.accelerators:
        if each.compute_capability is None or not torch.arch_list or _runs_on(torch.arch_list, each.compute_capability):
            continue
        detail = f"{each.name} has compute capability {each.compute_capability}; the build has {', '.join(torch.arch_list)}"
        faults.append(InstallationFault("gpu-not-in-build", "torch", detail, torch.version))
    return faults


def _runs_on(arch_list: tuple[str, ...], capability: str) -> bool:
    major, minor = (int(part) for part in capability.split("."))
    for arch in arch_list:
        kind, _, number = arch.partition("_")
        digits = "".join(character for character in number if character.isdigit())
        if len(digits) < 2:
            continue
        built = int(digits[:-1]), int(digits[-1])
        if kind == "compute" and built <= (major, minor):
            return True
        if kind == "sm" and built[0] == major and built[1] <= minor:
            return True
    return False


def _older(serves: str | None, built: str | None) -> bool:
    """Whether the driver's CUDA is of an older major version than the build's; within a major version any minor one runs (see NVIDIA's guide)."""
    if serves is None or built is None:
        return False
    majors = [version.partition(".")[0] for version in (serves, built)]
    return all(major.isdigit() for major in majors) and int(majors[0]) < int(majors[1])
