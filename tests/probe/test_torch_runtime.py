"""What torch itself answers, and what is made of answers that nobody should trust."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from doctor.facts.environment import Accelerator, TorchRuntime, Unknown
from doctor.knowledge import schema
from doctor.probe.child import INSIDE, Outcome
from doctor.probe.torch_runtime import TorchFacts, start_torch, torch_facts

PYENV = [each for each in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python")) if int(each.parent.parent.name.split(".")[1]) >= 8]
GB = 1024**3
CPU_BUILD = """
from types import SimpleNamespace as space
__version__ = "2.9.0+cpu"
version = space(cuda=None, hip=None)
cuda = space(is_available=lambda: False)
backends = space(mps=space(is_available=lambda: False))
xpu = space(is_available=lambda: False)
get_default_dtype = lambda: "torch.float32"
get_default_device = lambda: "cpu"
"""
GPU_BUILD = (
    CPU_BUILD
    + """
properties = space(name="A GPU", total_memory=8 * 2**30, major=8, minor=6)
some = dict(is_available=lambda: True, device_count=lambda: 1, get_device_properties=lambda index: properties)
cuda = space(get_arch_list=lambda: ["sm_80", "compute_90"], mem_get_info=lambda index: (6 * 2**30, 8 * 2**30), **some)
"""
)


def ask(torch: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: Path | str = sys.executable, timeout: float = 20) -> TorchFacts:
    """What a torch made of this text answers, in a real interpreter."""
    folder = tmp_path / "modules"
    folder.mkdir()
    if torch is not None:
        (folder / "torch.py").write_text(torch)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    with start_torch(str(python), timeout) as child:
        return torch_facts(child.wait(), timeout)


@pytest.mark.parametrize("python", PYENV or [Path(sys.executable)], ids=lambda python: python.parent.parent.name)
def test_torch_answers_on_every_python_from_3_8_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: Path) -> None:
    expected = TorchRuntime(
        importable=True,
        version="2.9.0+cpu",
        cuda_available=False,
        cuda_unavailable_because="this torch is built without CUDA and ROCm",
        mps_available=False,
        xpu_available=False,
        default_dtype="torch.float32",
        default_device="cpu",
    )
    assert ask(CPU_BUILD, tmp_path, monkeypatch, python) == TorchFacts(expected, found=True)


def test_no_torch_is_no_error_but_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ask(None, tmp_path, monkeypatch, timeout=20)
    if facts.found:
        pytest.skip("the interpreter of the tests holds torch")
    assert facts == TorchFacts(TorchRuntime(False, error="No module named 'torch'"))


@pytest.mark.parametrize(
    ("torch", "accelerator"),
    [
        (GPU_BUILD + "version.cuda = '12.8'", Accelerator("cuda", "A GPU", "torch", 8 * GB, None, "8.6")),
        (GPU_BUILD + "version.hip = '6.4'", Accelerator("rocm", "A GPU", "torch", 8 * GB, 6 * GB, None)),
        (GPU_BUILD + "cuda.is_available = lambda: False; xpu = space(**some)", Accelerator("xpu", "A GPU", "torch", 8 * GB)),
        (CPU_BUILD + "backends.mps.is_available = lambda: True", Accelerator("mps", "Apple GPU", "torch")),
    ],
    ids=["cuda", "rocm", "xpu", "mps"],
)
def test_the_devices_torch_can_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torch: str, accelerator: Accelerator) -> None:
    facts = ask(torch, tmp_path, monkeypatch)
    assert (facts.accelerators, facts.unknown) == ((accelerator,), ())


def test_an_old_torch_without_mps_xpu_and_default_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ask(CPU_BUILD + "del backends.mps, xpu, version.hip, get_default_device", tmp_path, monkeypatch)
    assert (facts.runtime.mps_available, facts.runtime.xpu_available, facts.runtime.default_device) == (False, False, None)
    assert facts.unknown == ()


@pytest.mark.parametrize(
    ("torch", "hidden", "reason"),
    [
        ("", None, "this torch is built without CUDA and ROCm"),
        ("version.cuda = '12.8'\ncuda.init = lambda: None", None, "torch gave no reason"),
        ("version.cuda = '12.8'\ncuda.init = lambda: None", "", "CUDA_VISIBLE_DEVICES hides every GPU"),
        ("version.cuda = '12.8'\ncuda.init = lambda: None", "-1", "CUDA_VISIBLE_DEVICES hides every GPU"),
        ("version.cuda = '12.8'\ndef init(): raise RuntimeError('no driver')\ncuda.init = init", None, "RuntimeError: no driver"),
        (
            "version.cuda = '12.8'\nimport warnings\ncuda.is_available = lambda: bool(warnings.warn('driver\\ntoo old'))",
            None,
            "driver too old",
        ),
    ],
)
def test_why_there_is_no_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torch: str, hidden: str | None, reason: str) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if hidden is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert ask(CPU_BUILD + torch, tmp_path, monkeypatch).runtime.cuda_unavailable_because == reason


@pytest.mark.parametrize(
    ("broken", "step", "error"),
    [
        ("del version", "torch.version", "AttributeError: module 'torch' has no attribute 'version'"),
        ("import os; cuda.is_available = lambda: os._exit(3)", "torch.cuda.is_available()", "torch.cuda.is_available() ended the process"),
        (
            "import time; cuda.is_available = lambda: time.sleep(60)",
            "torch.cuda.is_available()",
            "torch.cuda.is_available() did not finish within 1 s",
        ),
        ("backends.mps.is_available = lambda: 1 / 0", "torch.backends.mps", "ZeroDivisionError: division by zero"),
        ("xpu.is_available = lambda: 1 / 0", "torch.xpu", "ZeroDivisionError: division by zero"),
        ("get_default_device = lambda: 1 / 0", "torch.get_default_device()", "ZeroDivisionError: division by zero"),
    ],
)
def test_what_was_said_before_torch_broke_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, step: str, error: str) -> None:
    facts = ask(f"{CPU_BUILD}\n{broken}", tmp_path, monkeypatch, timeout=1 if "sleep" in broken else 20)
    assert (facts.runtime.importable, facts.runtime.version) == (True, "2.9.0+cpu")
    (unknown,) = facts.unknown
    assert (unknown.fact, unknown.important) == (f"torch ({step})", True)
    assert unknown.reason.startswith(error)
    assert facts.runtime.error == unknown.reason


def test_an_interpreter_that_says_nothing_in_time_leaves_open_whether_torch_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ask(CPU_BUILD, tmp_path, monkeypatch, timeout=0.001)
    reason = "the interpreter did not finish within 0.001 s (--timeout gives it longer)"
    assert facts == TorchFacts(TorchRuntime(None, error=reason), unknown=(Unknown("torch", reason, important=True),), found=False)


def test_should_doctor_be_killed_a_torch_that_hangs_ends_by_itself(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import time; time.sleep(60)")
    started = time.monotonic()
    done = subprocess.run([sys.executable, INSIDE / "torch_facts.py", "1"], env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=False, timeout=20)
    assert done.returncode < 0
    assert time.monotonic() - started < 10


# Answers nobody should trust


def said(*answers: object, stderr: bytes = b"", returncode: int = 0, timed_out: bool = False) -> TorchFacts:
    stdout = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in answers).encode("utf-8", "surrogatepass")
    return torch_facts(Outcome(returncode, stdout, stderr, timed_out), 30)


IMPORTED: Mapping[str, object] = {"found": True, "importable": True, "version": "2.9.0", "step": "done"}
ODD_VALUES: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    10**400,
    "",
    "x" * 10000,
    "\x1b[2J\ud800",
    [],
    [[[]]],
    {},
    [{}],
    {"name": []},
)


@pytest.mark.parametrize(
    "field",
    [
        "found", "importable", "version", "cuda_built", "hip_built", "cuda_available", "cuda_unavailable_because", "devices", "arch_list",
        "mps_available", "xpu_available", "xpu_devices", "default_dtype", "default_device", "step", "error", "__class__",
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_as_good_as_none(field: str) -> None:
    for value in ODD_VALUES:
        facts = said({**IMPORTED, field: value})
        assert list(schema.mismatches(TorchRuntime, schema.plain(facts.runtime))) == []
        assert all(len(text) <= 500 for text in _texts(schema.plain(facts)))


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    "device",
    [
        None, 7, "GPU", [], {}, {"name": "GPU"},
        {"name": "GPU", "memory_total": "8", "memory_free": None, "compute_capability": None},
        {"name": "GPU", "memory_total": 8, "memory_free": None, "compute_capability": 8.6},
        {"name": "GPU", "memory_total": 8, "memory_free": None, "compute_capability": None, "more": 1},
    ],
)  # fmt: skip
def test_a_device_that_is_not_described_right_is_left_out(device: object) -> None:
    facts = said({**IMPORTED, "cuda_available": True, "devices": [device], "xpu_devices": [device]})
    assert facts.accelerators == ()
    assert facts.runtime.cuda_available is True


def test_a_number_no_device_has_is_left_out() -> None:
    device = {"name": "GPU", "memory_total": 10**400, "memory_free": -1, "compute_capability": "8.6"}
    assert said({**IMPORTED, "devices": [device]}).accelerators == (Accelerator("cuda", "GPU", "torch", None, None, "8.6"),)


@pytest.mark.parametrize("noise", ["", "null", "[1]", "{", "{}}", '"x"', "[" * 20000, "1" * 5000, "\udcff\0", '{"surprise": 1}', "NaN"])
def test_lines_that_are_no_answers_are_passed_over(noise: str) -> None:
    assert said(noise, IMPORTED, noise) == TorchFacts(TorchRuntime(True, "2.9.0"), found=True)


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        (said({"found": True, "step": "import torch"}, returncode=3), "import torch ended the process with exit status 3"),
        (said({"found": True, "step": "import torch"}, returncode=-9), "import torch ended the process with SIGKILL"),
        (
            said({"found": True, "step": "import torch"}, returncode=1, stderr=b"x\n  terminate called\n\n"),
            "import torch ended the process with exit status 1 (terminate called)",
        ),
        (said({"found": True, "step": "import torch"}, {"error": "OSError:  no\n\tfile "}), "OSError: no file"),
        (
            said({"found": True, "step": "import torch"}, {"error": "KeyboardInterrupt: "}, timed_out=True),
            "import torch did not finish within 30 s (--timeout gives it longer)",
        ),
        (said({"found": True}, returncode=1), "the interpreter ended the process with exit status 1"),
        (said({"found": True, "step": "done"}), "the probe gave no answer"),
    ],
)
def test_installed_but_broken_is_said_with_the_reason(facts: TorchFacts, error: str) -> None:
    assert facts.runtime == TorchRuntime(False, error=error)
    assert facts.found
    assert facts.unknown == (Unknown("torch", f"torch cannot be imported: {error}"),)
