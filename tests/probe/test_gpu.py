"""GPUs and their drivers without torch, from recorded answers, and from a driver library made for the test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from doctor.facts.environment import Accelerator, Driver, InstallationFault, TorchRuntime
from doctor.probe.child import Outcome
from doctor.probe.gpu import GpuFacts, gpu_facts, gpu_faults, has_nvidia, start_nvml

GB = 1024**3
RTX = {"name": "NVIDIA GeForce RTX 3090", "memory_total": 24 * GB, "memory_free": 20 * GB, "compute_capability": "8.6"}
DRIVER_550 = {"driver": "550.90.07", "cuda_version": "12.4", "devices": [RTX]}
SEEN_RTX = Accelerator("cuda", "NVIDIA GeForce RTX 3090", "driver", 24 * GB, 20 * GB, "8.6")


def said(answer: object, returncode: int = 0, stderr: bytes = b"", timed_out: bool = False) -> Outcome:
    stdout = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return Outcome(returncode, stdout, stderr, timed_out)


def facts(outcome: Outcome, tmp_path: Path) -> GpuFacts:
    return gpu_facts(outcome, tmp_path / "pci", tmp_path / "amdgpu")


def on_bus(tmp_path: Path, *devices: tuple[str, str]) -> None:
    for number, (kind, vendor) in enumerate(devices):
        folder = tmp_path / "pci" / f"0000:0{number}:00.0"
        folder.mkdir(parents=True)
        (folder / "class").write_text(f"{kind}\n")
        (folder / "vendor").write_text(f"{vendor}\n")


def test_a_driver_that_answers(tmp_path: Path) -> None:
    assert facts(said(DRIVER_550), tmp_path) == GpuFacts((SEEN_RTX,), (Driver("nvidia", "550.90.07", "12.4"),))


def test_no_driver_is_nothing_unknown(tmp_path: Path) -> None:
    assert facts(said({"absent": True}), tmp_path) == GpuFacts()


def test_a_gpu_that_keeps_its_memory_to_itself(tmp_path: Path) -> None:
    device = {"name": "NVIDIA GB10", "memory_total": None, "memory_free": None, "compute_capability": None}
    assert facts(said({**DRIVER_550, "devices": [device]}), tmp_path).accelerators == (Accelerator("cuda", "NVIDIA GB10", "driver"),)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (said({"error": "RM has detected an NVML/RM version mismatch."}), "NVML: RM has detected an NVML/RM version mismatch."),
        (said(b"", -11), "asking the NVIDIA driver ended with SIGSEGV"),
        (said(b"", -9, timed_out=True), "the NVIDIA driver did not answer in time"),
        (said(b"", 1, b"Traceback ...\nOSError: no\n"), "asking the NVIDIA driver ended with exit status 1 (OSError: no)"),
        (said(b"\xff\xfe garbage"), "asking the NVIDIA driver ended with exit status 0"),
        (said([]), "asking the NVIDIA driver ended with exit status 0"),
        (said({"driver": 550}), "asking the NVIDIA driver ended with exit status 0"),
        (said({"driver": "550", "devices": [{"name": "x"}]}), "asking the NVIDIA driver ended with exit status 0"),
        (said({"driver": "550", "devices": "many"}), "asking the NVIDIA driver ended with exit status 0"),
        (said({"surprise": 1}), "asking the NVIDIA driver ended with exit status 0"),
    ],
)
def test_a_driver_that_does_not_answer_is_unknown_with_the_reason(tmp_path: Path, outcome: Outcome, reason: str) -> None:
    found = facts(outcome, tmp_path)
    assert [(each.fact, each.reason, each.important) for each in found.unknown] == [("drivers.nvidia", reason, False)]
    assert (found.accelerators, found.drivers) == ((), ())


def test_display_controllers_on_the_bus_are_seen_driver_or_not(tmp_path: Path) -> None:
    on_bus(tmp_path, ("0x030000", "0x10de"), ("0x038000", "0x1002"), ("0x030000", "0x8086"), ("0x020000", "0x10de"), ("", "\0"))
    assert facts(said({"absent": True}), tmp_path).vendors_on_bus == {"nvidia", "amd"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no telling without asking")
def test_nvml_is_asked_only_where_linux_shows_a_driver_or_a_gpu(tmp_path: Path) -> None:
    driver = (tmp_path / "nvidiactl",)
    on_bus(tmp_path, ("0x030000", "0x1002"), ("0x020000", "0x10de"))
    assert not has_nvidia(tmp_path / "pci", driver)
    driver[0].touch()
    assert has_nvidia(tmp_path / "pci", driver)
    on_bus(tmp_path / "other", ("0x030200", "0x10de"))
    assert has_nvidia(tmp_path / "other" / "pci", ())
    assert gpu_facts(None, tmp_path / "pci", tmp_path / "amdgpu").vendors_on_bus == {"amd"}


@pytest.mark.parametrize(("version", "expected"), [("6.7.0\n", "6.7.0"), ("", None), (None, None)])
def test_the_amd_driver_is_seen(tmp_path: Path, version: str | None, expected: str | None) -> None:
    (tmp_path / "amdgpu").mkdir()
    if version is not None:
        (tmp_path / "amdgpu" / "version").write_text(version)
    assert facts(said({"absent": True}), tmp_path).drivers == (Driver("amd", expected, None),)


# How torch, driver and GPU fit together


CUDA_12_8 = TorchRuntime(True, "2.9.0+cu128", cuda_built="12.8", cuda_available=True, arch_list=("sm_70", "sm_80", "sm_90", "compute_90"))
NO_CUDA = TorchRuntime(True, "2.9.0+cu128", cuda_built="12.8", cuda_available=False)
CPU = TorchRuntime(True, "2.9.0+cpu", cuda_available=False, mps_available=False, xpu_available=False)
OLD_DRIVER = Driver("nvidia", "470.223.02", "11.4")
DRIVER = Driver("nvidia", "550.90.07", "12.4")


def gpu(capability: str | None) -> Accelerator:
    return Accelerator("cuda", "A GPU", "driver", compute_capability=capability)


@pytest.mark.parametrize(
    ("torch", "found", "slugs"),
    [
        (CUDA_12_8, GpuFacts((gpu("8.6"),), (DRIVER,)), []),
        (CPU, GpuFacts(), []),
        (CPU, GpuFacts(vendors_on_bus=frozenset({"nvidia"})), []),
        (CPU, GpuFacts((gpu("8.6"),), (DRIVER,)), ["cpu-build-with-gpu"]),
        (CPU, GpuFacts((), (DRIVER,)), []),
        (TorchRuntime(True, "2.9.0", cuda_available=False, mps_available=True), GpuFacts((gpu("8.6"),), (DRIVER,)), []),
        (TorchRuntime(True, "2.9.0+xpu", cuda_available=False, xpu_available=True), GpuFacts((gpu("8.6"),), (DRIVER,)), []),
        (TorchRuntime(True, "2.9.0", error="torch.version ended it"), GpuFacts((gpu("8.6"),), (DRIVER,)), []),
        (TorchRuntime(False, error="broken"), GpuFacts((gpu("8.6"),), (DRIVER,)), []),
        (TorchRuntime(None), GpuFacts((gpu("8.6"),), (DRIVER,)), []),
        (NO_CUDA, GpuFacts(vendors_on_bus=frozenset({"nvidia"})), ["gpu-without-driver"]),
        (NO_CUDA, GpuFacts(vendors_on_bus=frozenset({"amd"})), []),
        (NO_CUDA, GpuFacts(), []),
        (NO_CUDA, GpuFacts((gpu("8.6"),), (OLD_DRIVER,)), ["driver-too-old"]),
        (NO_CUDA, GpuFacts((gpu("8.6"),), (DRIVER,)), []),
        (NO_CUDA, GpuFacts((gpu("8.6"),), (Driver("nvidia", "550", None),)), []),
        (CUDA_12_8, GpuFacts((gpu("8.6"),), (OLD_DRIVER,)), []),
        (CUDA_12_8, GpuFacts((gpu("6.1"),), (DRIVER,)), ["gpu-not-in-build"]),
        (CUDA_12_8, GpuFacts((gpu("6.1"), gpu("8.0"), gpu("5.2")), (DRIVER,)), ["gpu-not-in-build", "gpu-not-in-build"]),
        (CUDA_12_8, GpuFacts((gpu(None),), (DRIVER,)), []),
        (TorchRuntime(True, "2.9.0+rocm6.4", hip_built="6.4", cuda_available=True), GpuFacts((), (Driver("amd", "6.7.0", None),)), []),
    ],
)
def test_what_does_not_fit_together_is_told_apart(torch: TorchRuntime, found: GpuFacts, slugs: list[str]) -> None:
    faults = gpu_faults(torch, found)
    assert [fault.slug for fault in faults] == slugs
    assert all(isinstance(fault, InstallationFault) and fault.package == "torch" and fault.installed == torch.version for fault in faults)


@pytest.mark.parametrize(
    ("arch_list", "capability", "runs"),
    [
        ("sm_80", "8.0", True),
        ("sm_80", "8.9", True),
        ("sm_86", "8.0", False),
        ("sm_80", "9.0", False),
        ("compute_80", "9.0", True),
        ("compute_90", "8.9", False),
        ("sm_90a", "9.0", True),
        ("sm_100 sm_120", "12.0", True),
        ("sm_100 compute_120", "12.1", True),
        ("sm_100", "12.0", False),
        ("gfx90a nonsense sm_", "8.6", False),
    ],
)
def test_a_build_runs_on_what_it_carries_code_for(arch_list: str, capability: str, runs: bool) -> None:
    torch = TorchRuntime(True, "2.9.0", cuda_built="12.8", cuda_available=True, arch_list=tuple(arch_list.split()))
    assert (gpu_faults(torch, GpuFacts((gpu(capability),), (DRIVER,))) == []) is runs


def test_the_fault_names_driver_and_build(tmp_path: Path) -> None:
    (fault,) = gpu_faults(NO_CUDA, GpuFacts((gpu("8.6"),), (OLD_DRIVER,)))
    assert fault.detail == "driver 470.223.02 serves CUDA up to 11.4; this torch is built for CUDA 12.8"


def test_a_driver_that_is_there_but_does_not_answer_is_not_called_missing(tmp_path: Path) -> None:
    on_bus(tmp_path, ("0x030200", "0x10de"))
    (fault,) = gpu_faults(NO_CUDA, facts(said({"error": "RM has detected an NVML/RM version mismatch."}), tmp_path))
    assert fault.detail == "an NVIDIA GPU is on the PCI bus, but NVML: RM has detected an NVML/RM version mismatch."


# The real script, the real nvidia-ml-py, and a driver library of our own

FAKE_NVML = r"""
#include <string.h>
#include <unistd.h>
#define API __attribute__((visibility("default")))
typedef struct { unsigned long long total, free, used; } memory_t;
#ifndef INIT
#define INIT 0
#endif
#ifndef GPUS
#define GPUS 1
#endif
API int nvmlInitWithFlags(unsigned flags) {
#ifdef CRASH
    *(volatile int *)0 = 1;
#endif
#ifdef HANG
    sleep(600);
#endif
    return INIT;
}
API int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
API const char *nvmlErrorString(int code) { return "as the library says"; }
API int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12080; return 0; }
API int nvmlSystemGetDriverVersion(char *text, unsigned size) { strncpy(text, "570.10", size); return 0; }
API int nvmlDeviceGetCount_v2(unsigned *count) { *count = GPUS; return 0; }
API int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    *handle = (void *)(unsigned long)(index + 1);
    return index == 1 ? 15 : 0;  /* the second GPU is lost */
}
API int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    strncpy(text, handle == (void *)3 ? "\xff\xfe" : "Fake GPU", size);
    return 0;
}
API int nvmlDeviceGetMemoryInfo(void *handle, memory_t *memory) {
    memory->total = 8ULL << 30; memory->free = 6ULL << 30; memory->used = 2ULL << 30;
    return handle == (void *)3 ? 3 : 0;  /* the third does not support the question */
}
API int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) { *major = 12; *minor = 0; return 0; }
"""
compiler = shutil.which("cc")
needs_compiler = pytest.mark.skipif(compiler is None or sys.platform != "linux", reason="no C compiler, or not Linux")


@pytest.fixture
def nvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A libnvidia-ml.so.1 that behaves as the test's parameters say."""
    (tmp_path / "nvml.c").write_text(FAKE_NVML)
    library = tmp_path / "libnvidia-ml.so.1"
    command = [str(compiler), "-shared", "-fPIC", "-w", *(f"-D{each}" for each in request.param), "-o", str(library), str(tmp_path / "nvml.c")]
    subprocess.run(command, check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))


def ask(tmp_path: Path) -> GpuFacts:
    with start_nvml() as child:
        return facts(child.wait(), tmp_path)


FAKE = Accelerator("cuda", "Fake GPU", "driver", 8 * GB, 6 * GB, "12.0")


@needs_compiler
@pytest.mark.parametrize("nvml", [["GPUS=1"]], indirect=True, ids=["one GPU"])
@pytest.mark.usefixtures("nvml")
def test_the_driver_library_is_asked(tmp_path: Path) -> None:
    assert ask(tmp_path) == GpuFacts((FAKE,), (Driver("nvidia", "570.10", "12.8"),))


@needs_compiler
@pytest.mark.parametrize("nvml", [["GPUS=3"]], indirect=True, ids=["three GPUs, two of them ill"])
@pytest.mark.usefixtures("nvml")
def test_one_gpu_that_does_not_answer_hides_no_other(tmp_path: Path) -> None:
    assert ask(tmp_path).accelerators == (FAKE, Accelerator("cuda", "NVIDIA GPU", "driver", None, None, "12.0"))


@needs_compiler
@pytest.mark.parametrize("nvml", [["INIT=9"]], indirect=True, ids=["driver not loaded"])
@pytest.mark.usefixtures("nvml")
def test_a_library_without_a_driver_is_no_driver(tmp_path: Path) -> None:
    assert ask(tmp_path) == GpuFacts()


@needs_compiler
@pytest.mark.parametrize("nvml", [["INIT=18"]], indirect=True, ids=["version mismatch"])
@pytest.mark.usefixtures("nvml")
def test_a_library_that_refuses_is_unknown(tmp_path: Path) -> None:
    (unknown,) = ask(tmp_path).unknown
    assert unknown.reason.startswith("NVML: ")


@needs_compiler
@pytest.mark.parametrize("nvml", [["CRASH"]], indirect=True, ids=["crash"])
@pytest.mark.usefixtures("nvml")
def test_a_library_that_crashes_hurts_only_the_child(tmp_path: Path) -> None:
    assert [each.reason for each in ask(tmp_path).unknown] == ["asking the NVIDIA driver ended with SIGSEGV"]


@needs_compiler
@pytest.mark.parametrize("nvml", [["HANG"]], indirect=True, ids=["hang"])
@pytest.mark.usefixtures("nvml")
def test_should_doctor_be_killed_a_script_that_hangs_ends_by_itself(tmp_path: Path) -> None:
    import doctor.probe.gpu

    script = Path(doctor.probe.gpu.__file__).parent / "nvml_facts.py"
    started = time.monotonic()
    done = subprocess.run([sys.executable, script, "1"], env={**os.environ}, check=False, timeout=20)
    assert done.returncode < 0
    assert time.monotonic() - started < 10


@pytest.mark.skipif(
    sys.platform != "linux" or Path("/proc/driver/nvidia").exists() or Path("/dev/dxg").exists(), reason="this machine may have a GPU"
)
def test_on_a_machine_without_a_gpu_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    assert ask(tmp_path) == GpuFacts()
