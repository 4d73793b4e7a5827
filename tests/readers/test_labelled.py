"""Blocks of labelled lines, in the words of the releases that print them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from doctor.facts.environment import Accelerator, Driver, Platform
from tests.environments import stated, versions
from tests.stacks import python_in

TRANSFORMERS_4_20 = """\
Copy-and-paste the text below in your GitHub issue and FILL OUT the two last points.

- `transformers` version: 4.20.1
- Platform: Linux-5.4.0-121-generic-x86_64-with-glibc2.31
- Python version: 3.9.12
- Huggingface_hub version: 0.8.1
- PyTorch version (GPU?): 1.12.0+cu113 (True)
- Tensorflow version (GPU?): not installed (NA)
- Flax version (CPU?/GPU?/TPU?): not installed (NA)
- Jax version: not installed
- JaxLib version: not installed
- Using GPU in script?: <fill in>
- Using distributed or parallel set-up in script?: <fill in>
"""
TRANSFORMERS_4_45 = """\
- `transformers` version: 4.45.0.dev0
- Platform: Windows-10-10.0.19045-SP0
- Python version: 3.11.9
- Huggingface_hub version: 0.25.1
- Safetensors version: 0.4.5
- Accelerate version: not installed
- Accelerate config: not found
- PyTorch version (GPU?): 2.4.1+cu124 (True)
- Tensorflow version (GPU?): not installed (NA)
- Using distributed or parallel set-up in script?: no
- Using GPU in script?: yes
- GPU type: NVIDIA GeForce RTX 3090
"""
TRANSFORMERS_5 = """\
- `transformers` version: 5.6.0
- Platform: macOS-15.3.1-arm64-arm-64bit
- Python version: 3.12.8
- Huggingface_hub version: 1.4.0
- Safetensors version: 0.7.0
- Accelerate version: 1.2.1 (not in expected version range)
- Accelerate config: \tnot found
- DeepSpeed version: not installed
- PyTorch version (accelerator?): 2.9.0 (NA)
- Using distributed or parallel set-up in script?: <fill in>
"""
TORCH_TOO_OLD = (
    "- `transformers` version: 5.6.0\n- Python version: 3.12.8\n- PyTorch version (accelerator?): 2.1.0+cpu (NA) (not in expected version range)\n"
)
ACCELERATE_0_27 = """\
- `Accelerate` version: 0.27.2
- Platform: Linux-5.15.0-94-generic-x86_64-with-glibc2.35
- Python version: 3.10.12
- Numpy version: 1.26.4
- PyTorch version (GPU?): 2.2.1+rocm5.7 (True)
- PyTorch XPU available: False
- PyTorch NPU available: False
- System RAM: 503.48 GB
- GPU type: AMD Instinct MI250X
- `Accelerate` default config:
\t- compute_environment: LOCAL_MACHINE
\t- mixed_precision: bf16
\t- num_machines: 1
"""
ACCELERATE_1_15 = """\
- `Accelerate` version: 1.15.0
- Platform: macOS-14.5-arm64-arm-64bit
- `accelerate` bash location: /opt/homebrew/bin/accelerate
- Python version: 3.11.7
- Numpy version: 2.4.6
- PyTorch version: 2.13.0
- PyTorch accelerator: MPS
- System RAM: 32.00 GB
- MPS type: Apple M3 Max
"""
HUB = """\
- huggingface_hub version: 0.23.4
- Platform: Linux-6.5.0-1022-aws-x86_64-with-glibc2.35
- Python version: 3.10.14
- Running in iPython ?: No
- Running in notebook ?: No
- Token path ?: /home/bob/.cache/huggingface/token
- FastAI: N/A
- Torch: 2.3.1
- numpy: 1.26.4
- HF_HUB_OFFLINE: False
"""
DIFFUSERS = """\
- \N{HUGGING FACE} Diffusers version: 0.31.0
- Platform: Linux-6.1.85+-x86_64-with-glibc2.35
- Running on Google Colab?: Yes
- Python version: 3.10.12
- PyTorch version (GPU?): 2.5.0+cu121 (True)
- Flax version (CPU?/GPU?/TPU?): 0.8.5 (gpu)
- Huggingface_hub version: 0.24.7
- Transformers version: 4.44.2
- Accelerate version: 0.34.2
- PEFT version: 0.13.2
- Bitsandbytes version: not installed
- Safetensors version: 0.4.5
- xFormers version: not installed
- Accelerator: Tesla T4, 15360 MiB
Tesla T4, 15360 MiB
- Using GPU in script?: <fill in>
"""
TORCH = """\
Collecting environment information...
PyTorch version: 2.5.1+cu118
Is debug build: False
CUDA used to build PyTorch: 11.8
ROCM used to build PyTorch: N/A

OS: Ubuntu 20.04.6 LTS (x86_64)
GCC version: (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0
Libc version: glibc-2.31

Python version: 3.10.15 | packaged by conda-forge | (main, Oct  3 2024, 07:27:34) [GCC 11.2.0] (64-bit runtime)
Python platform: Linux-5.15.0-107-generic-x86_64-with-glibc2.31
Is CUDA available: True
CUDA runtime version: 11.8.89
GPU models and configuration:
GPU 0: Tesla V100S-PCIE-32GB
GPU 1: Tesla V100S-PCIE-32GB

Nvidia driver version: 535.104.05
cuDNN version: Could not collect
Is XPU available: False

CPU:
Architecture:                       x86_64

Versions of relevant libraries:
[pip3] numpy==1.26.4
[pip3] torch==2.5.1+cu118
[pip3] transformers==4.46.3
[conda] numpy                     1.26.4          py310heeff2f4_0    defaults
[conda] torch                     2.5.1+cu118              pypi_0    pypi
"""
VLLM = """\
==============================
        System Info
==============================
OS                           : Red Hat Enterprise Linux release 8.3 (Ootpa) (x86_64)
GCC version                  : (GCC) 8.5.0

==============================
       PyTorch Info
==============================
PyTorch version              : 2.7.1+cu128
Is debug build               : False
CUDA used to build PyTorch   : 12.8
Python version               : 3.12.11 | packaged by conda-forge | (main, Jun  4 2025, 14:45:31) [GCC 13.3.0] (64-bit runtime)
Python platform              : Linux-5.15.0-105-generic-x86_64-with-glibc2.39
Is CUDA available            : True
GPU models and configuration : GPU 0: NVIDIA GeForce RTX 5090
Nvidia driver version        : 575.64.03
[pip3] transformers==4.53.2
vLLM Version                 : 0.9.2
"""


@pytest.mark.parametrize(
    ("text", "block", "python", "said"),
    [
        (TRANSFORMERS_4_20, "`transformers env`", "3.9.12", {"huggingface-hub": "0.8.1", "torch": "1.12.0+cu113", "transformers": "4.20.1"}),
        (
            TRANSFORMERS_4_45, "`transformers env`", "3.11.9",
            {"huggingface-hub": "0.25.1", "safetensors": "0.4.5", "torch": "2.4.1+cu124", "transformers": "4.45.0.dev0"},
        ),
        (
            TRANSFORMERS_5, "`transformers env`", "3.12.8",
            {"accelerate": "1.2.1", "huggingface-hub": "1.4.0", "safetensors": "0.7.0", "torch": "2.9.0", "transformers": "5.6.0"},
        ),
        (TORCH_TOO_OLD, "`transformers env`", "3.12.8", {"torch": "2.1.0+cpu", "transformers": "5.6.0"}),
        (ACCELERATE_0_27, "`accelerate env`", "3.10.12", {"accelerate": "0.27.2", "numpy": "1.26.4", "torch": "2.2.1+rocm5.7"}),
        (ACCELERATE_1_15, "`accelerate env`", "3.11.7", {"accelerate": "1.15.0", "numpy": "2.4.6", "torch": "2.13.0"}),
        (HUB, "`hf env`", "3.10.14", {"huggingface-hub": "0.23.4", "numpy": "1.26.4", "torch": "2.3.1"}),
        (
            DIFFUSERS, "`diffusers-cli env`", "3.10.12",
            {"accelerate": "0.34.2", "diffusers": "0.31.0", "huggingface-hub": "0.24.7", "peft": "0.13.2", "safetensors": "0.4.5",
             "torch": "2.5.0+cu121", "transformers": "4.44.2"},
        ),
        (TORCH, "`collect_env`", "3.10.15", {"numpy": "1.26.4", "torch": "2.5.1+cu118", "transformers": "4.46.3"}),
        (VLLM, "vLLM's `collect_env`", "3.12.11", {"torch": "2.7.1+cu128", "transformers": "4.53.2"}),
    ],
    ids=[
        "transformers 4.20", "transformers 4.45", "transformers 5", "torch too old", "accelerate 0.27", "accelerate 1.15",
        "hub", "diffusers", "torch", "vllm",
    ],
)  # fmt: skip
def test_versions_are_read_and_named_for_what_printed_them(text: str, block: str, python: str, said: dict[str, str]) -> None:
    here = stated(text)
    assert (versions(here), here.python.version, here.partial) == (said, python, True)
    assert f"{block} block" in (here.read_from or "")
    assert here.sources["python.version"].startswith(f"{block} block, line ")


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        (TRANSFORMERS_4_20, Platform("linux", "5.4.0-121-generic", "x86_64")),
        (TRANSFORMERS_4_45, Platform("windows", "10-10.0.19045-SP0", None)),
        (TRANSFORMERS_5, Platform("darwin", "15.3.1", "arm64")),
        (TORCH, Platform("linux", "5.15.0-107-generic", "x86_64")),
        ("OS: Microsoft Windows 11 Pro (10.0.22631 64-bit)", Platform("windows", None, None)),
        ("- OS: Ubuntu 22.04.4 LTS (x86_64)", Platform("linux", None, "x86_64")),
        ("- Platform: Solaris", Platform("unknown", None, None)),
    ],
)
def test_the_platform_is_read_as_far_as_it_is_said(text: str, platform: Platform) -> None:
    assert stated(text).platform == platform


@pytest.mark.parametrize(
    ("text", "cuda", "mps", "xpu", "built"),
    [
        (TRANSFORMERS_4_20, True, None, None, ("11.3", None)),
        (TRANSFORMERS_5, False, None, False, (None, None)),
        (ACCELERATE_0_27, True, None, False, (None, "5.7")),
        (ACCELERATE_1_15, False, True, False, (None, None)),
        (HUB, None, None, None, (None, None)),
        (TORCH, True, None, False, ("11.8", None)),
        ("- PyTorch version (accelerator?): 2.9.0+xpu (XPU)", False, None, True, (None, None)),
    ],
)
def test_what_torch_can_use_is_read(text: str, cuda: bool | None, mps: bool | None, xpu: bool | None, built: tuple[str | None, str | None]) -> None:
    torch = stated(text).torch
    assert (torch.cuda_available, torch.mps_available, torch.xpu_available) == (cuda, mps, xpu)
    assert (torch.cuda_built, torch.hip_built) == built
    assert torch.importable is (True if cuda is not None else None)


@pytest.mark.parametrize(
    ("text", "accelerators", "drivers"),
    [
        (TRANSFORMERS_4_45, [Accelerator("cuda", "NVIDIA GeForce RTX 3090", "torch")], []),
        (ACCELERATE_0_27, [Accelerator("rocm", "AMD Instinct MI250X", "torch")], []),
        (ACCELERATE_1_15, [Accelerator("mps", "Apple M3 Max", "torch")], []),
        (DIFFUSERS, [Accelerator("cuda", "Tesla T4", "driver", 15360 * 1024**2)] * 2, []),
        (TORCH, [Accelerator("cuda", "Tesla V100S-PCIE-32GB", "driver")] * 2, [Driver("nvidia", "535.104.05", None)]),
        (VLLM, [Accelerator("cuda", "NVIDIA GeForce RTX 5090", "driver")], [Driver("nvidia", "575.64.03", None)]),
        ("| NVIDIA-SMI 535.104.05   Driver Version: 535.104.05   CUDA Version: 12.2 |", [], [Driver("nvidia", "535.104.05", "12.2")]),
        ("accelerator: NVIDIA RTX, 8192 MiB", [], []),
        ("- GPU type: <fill in>", [], []),
    ],
)  # fmt: skip
def test_gpus_and_drivers_are_read(text: str, accelerators: list[Accelerator], drivers: list[Driver]) -> None:
    here = stated(text)
    assert (list(here.accelerators), list(here.drivers)) == (accelerators, drivers)


def test_memory_is_read() -> None:
    assert stated(ACCELERATE_1_15).memory.total == 32 * 1024**3


def test_what_is_said_not_to_be_installed_is_a_fact() -> None:
    assert stated(TRANSFORMERS_4_45).absent == ("accelerate",)
    assert stated(DIFFUSERS).absent == ("bitsandbytes",)
    assert stated(TRANSFORMERS_4_45).sources["packages.accelerate"] == "`transformers env` block, line 6"


@pytest.mark.parametrize(
    "change", ["> {}", "  {}", "\x1b[32m{}\x1b[0m", "{}\r", "{}  "], ids=["quoted", "indented", "coloured", "windows", "trailing"]
)
def test_a_block_is_read_however_it_was_pasted(change: str) -> None:
    lines = [change.format(line) for line in TRANSFORMERS_5.splitlines()]
    assert versions(stated("\n".join(lines))) == versions(stated(TRANSFORMERS_5))


def test_a_block_copied_from_a_rendered_page_is_read() -> None:
    text = TRANSFORMERS_5.replace("- ", "").replace("`", "")
    assert versions(stated(text)) == versions(stated(TRANSFORMERS_5))


def test_pip_show_is_read() -> None:
    assert versions(stated("Name: transformers\nVersion: 4.46.3\nSummary: State-of-the-art\nHome-page: x")) == {"transformers": "4.46.3"}
    assert versions(stated("Name: transformers\n\nVersion: 4.46.3")) == {}


@pytest.mark.parametrize("stack", ["old_stack", "current_stack"])
def test_what_the_real_commands_print_is_read(stack: str, request: pytest.FixtureRequest) -> None:
    home: Path = request.getfixturevalue(stack)
    python = python_in(home)
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}

    def ran(*command: str) -> str:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout

    infos = [folder.name.removesuffix(".dist-info").split("-") for folder in home.rglob("*.dist-info")]
    listed = {name.lower().replace("_", "-"): version for name, version in infos}
    transformers = stated(ran(str(python.parent / ("transformers-cli" if stack == "old_stack" else "transformers")), "env"))
    accelerate = stated(ran(str(python.parent / "accelerate"), "env"))
    for here, count in ((transformers, 5), (accelerate, 3)):
        assert len(here.packages) == count
        # A build from the index is 2.13.0 to pip and 2.13.0+cu130 to itself.
        assert {name: listed[name].partition("+")[0] for name in here.packages} == {
            name: str(version).partition("+")[0] for name, version in versions(here).items()
        }
        assert here.torch.cuda_available is not None
        assert here.platform.system != "unknown"
    assert accelerate.memory.total is not None
