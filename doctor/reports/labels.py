"""The environment in the words of each project's own command, so that what maintainers look for stands where they look.

Labels are those of transformers 5.23, accelerate 1.15, torch 2.13, and of diffusers and vllm as of 2026. What doctor does not ask
reads `not asked by doctor`: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from doctor.facts.environment import Accelerator, Environment

UNASKED = "not asked by doctor"
FILL_IN = "<fill in>"
Labelled = tuple[str, str]
_SYSTEMS = {"linux": "Linux", "darwin": "macOS", "windows": "Windows"}


@dataclass(frozen=True)
class Subject:
    """What the labels are filled from."""

    environment: Environment
    asked: frozenset[str]
    """The packages that were looked for: one that is neither here nor installed was not asked for."""
    accelerate_config: Mapping[str, str] | None = None

    def version(self, name: str) -> str:
        """The version of a package in words."""
        distribution = self.environment.packages.get(name)
        if distribution is not None:
            origin = "" if distribution.origin == "index" else f" ({distribution.origin} install)"
            return (distribution.shown_version or "installed, version unknown") + origin
        if name not in self.asked:
            return UNASKED
        return "not installed" if self.environment.installed(name) is False else "unknown"


def transformers_env(subject: Subject) -> Iterator[Labelled]:
    """`transformers env`."""
    yield "`transformers` version", subject.version("transformers")
    yield "Platform", platform_name(subject.environment)
    yield "Python version", subject.environment.python.version or "unknown"
    yield "Huggingface_hub version", subject.version("huggingface-hub")
    yield "Safetensors version", subject.version("safetensors")
    yield "Accelerate version", subject.version("accelerate")
    yield "Accelerate config", _accelerate_config(subject, "not found")
    yield "DeepSpeed version", subject.version("deepspeed")
    yield "PyTorch version (accelerator?)", f"{subject.version('torch')} ({accelerator(subject.environment, none='NA')})"
    yield "Using distributed or parallel set-up in script?", FILL_IN
    yield from _device(subject.environment, ask=True)


def accelerate_env(subject: Subject) -> Iterator[Labelled]:
    """`accelerate env`."""
    yield "`Accelerate` version", subject.version("accelerate")
    yield "Platform", platform_name(subject.environment)
    yield "`accelerate` bash location", UNASKED
    yield "Python version", subject.environment.python.version or "unknown"
    yield "Numpy version", subject.version("numpy")
    yield "PyTorch version", subject.version("torch")
    yield "PyTorch accelerator", accelerator(subject.environment, none="N/A")
    yield "System RAM", ram(subject.environment)
    yield from _device(subject.environment, ask=False)
    yield "`Accelerate` default config", _accelerate_config(subject, "Not found")


def general_env(subject: Subject) -> Iterator[Labelled]:
    """Both of these together, and what else their maintainers ask for."""
    said = dict(transformers_env(subject))
    for label, value in accelerate_env(subject):
        if label in ("Numpy version", "PyTorch version", "PyTorch accelerator", "System RAM"):
            said[label] = value
    fills = {label: said.pop(label) for label in list(said) if said[label] == FILL_IN}
    yield from said.items()
    for name in sorted(subject.environment.packages.keys() - _LABELLED):
        yield f"{name} version", subject.version(name)
    yield from fills.items()


_LABELLED = {"torch", "transformers", "accelerate", "huggingface-hub", "safetensors", "deepspeed", "numpy"}


def diffusers_env(subject: Subject) -> Iterator[Labelled]:
    """`diffusers-cli env`."""
    environment = subject.environment
    yield "🤗 Diffusers version", subject.version("diffusers")
    yield "Platform", platform_name(environment)
    yield "Running on Google Colab?", UNASKED
    yield "Python version", environment.python.version or "unknown"
    yield "PyTorch version (GPU?)", f"{subject.version('torch')} ({_yes_no(environment.torch.cuda_available)})"
    for label in ("Flax version (CPU?/GPU?/TPU?)", "Jax version", "JaxLib version"):
        yield label, UNASKED
    yield "Huggingface_hub version", subject.version("huggingface-hub")
    yield "Transformers version", subject.version("transformers")
    yield "Accelerate version", subject.version("accelerate")
    yield "PEFT version", subject.version("peft")
    yield "Bitsandbytes version", subject.version("bitsandbytes")
    yield "Safetensors version", subject.version("safetensors")
    yield "xFormers version", subject.version("xformers")
    yield "Accelerator", ", ".join(_with_memory(each) for each in devices(environment)) or _no_device(environment, "NA")
    yield "Using GPU in script?", FILL_IN
    yield "Using distributed or parallel set-up in script?", FILL_IN


def sentence_transformers_env(subject: Subject) -> Iterator[Labelled]:
    """The lines that the sentence-transformers form asks for, and the version of the library itself."""
    yield "OS", platform_name(subject.environment)
    yield "Python version", subject.environment.python.version or "unknown"
    yield "Pytorch version", subject.version("torch")
    yield "Transformers version", subject.version("transformers")
    yield "Sentence Transformers version", subject.version("sentence-transformers")


def collect_env(subject: Subject) -> Iterator[str]:
    """The lines of `python -m torch.utils.collect_env`."""
    groups = (_torch_lines(subject), _system_lines(subject), _python_lines(subject), [("CPU", UNASKED)])
    for group in groups:
        yield from (f"{label}: {value}" for label, value in group)
        yield ""
    yield "Versions of relevant libraries:"
    yield from _libraries(subject)


def vllm_env(subject: Subject) -> Iterator[str]:
    """The lines of vllm's `collect_env.py`."""
    sections: tuple[tuple[str, Iterator[Labelled]], ...] = (
        ("System Info", _system_lines(subject)),
        ("PyTorch Info", _torch_lines(subject)),
        ("Python Environment", _interpreter_lines(subject)),
        ("CUDA / GPU Info", _gpu_lines(subject)),
        ("CPU Info", iter([("CPU", UNASKED)])),
    )
    for title, lines in sections:
        yield from _vllm_heading(title)
        yield from (f"{label:<29}: {value}" for label, value in lines)
        yield ""
    yield from (*_vllm_heading("Versions of relevant libraries"), *_libraries(subject), "")
    yield from (*_vllm_heading("vLLM Info"), f"ROCM Version                 : {UNASKED}", f"vLLM Version                 : {subject.version('vllm')}")
    yield from ("vLLM Build Flags:", f"  {UNASKED}", "GPU Topology:", f"  {UNASKED}", "")
    yield from (*_vllm_heading("Environment Variables"), *(f"{name}={value}" for name, value in subject.environment.variables.items()))


def _vllm_heading(title: str) -> tuple[str, str, str]:
    return "=" * 30, title.center(30).rstrip(), "=" * 30


def _torch_lines(subject: Subject) -> Iterator[Labelled]:
    torch = subject.environment.torch
    nothing = "None" if torch.cuda_available is not None else "unknown"
    yield "PyTorch version", subject.version("torch")
    if torch.error:
        yield "PyTorch import", torch.error
    yield "Is debug build", UNASKED
    yield "CUDA used to build PyTorch", torch.cuda_built or nothing
    yield "ROCM used to build PyTorch", torch.hip_built or ("N/A" if nothing == "None" else nothing)


def _system_lines(subject: Subject) -> Iterator[Labelled]:
    platform = subject.environment.platform
    name = " ".join(part for part in (_SYSTEMS.get(platform.system, platform.system), platform.release) if part)
    yield "OS", f"{name} ({platform.machine or 'unknown'})"
    for label in ("GCC version", "Clang version", "CMake version", "Libc version"):
        yield label, UNASKED


def _python_lines(subject: Subject) -> Iterator[Labelled]:
    yield from _interpreter_lines(subject)
    yield from _gpu_lines(subject)


def _interpreter_lines(subject: Subject) -> Iterator[Labelled]:
    python = subject.environment.python
    yield "Python version", f"{python.version or 'unknown'} ({python.implementation or 'implementation unknown'})"
    yield "Python platform", platform_name(subject.environment)


def _gpu_lines(subject: Subject) -> Iterator[Labelled]:
    environment = subject.environment
    driver = next((each for each in environment.drivers if each.vendor == "nvidia"), None)
    gpus = [f"GPU {number}: {each.name}" for number, each in enumerate(devices(environment))]
    yield "Is CUDA available", _yes_no(environment.torch.cuda_available)
    yield "CUDA runtime version", UNASKED
    yield "CUDA_MODULE_LOADING set to", UNASKED
    yield "GPU models and configuration", "\n".join(["", *gpus] if len(gpus) > 1 else gpus) or _no_device(environment, "No CUDA")
    yield "Nvidia driver version", (driver.version or "unknown") if driver else "none found"
    yield "cuDNN version", UNASKED
    yield "Is XPU available", _yes_no(environment.torch.xpu_available)
    yield "HIP runtime version", UNASKED
    yield "MIOpen runtime version", UNASKED
    yield "Is XNNPACK available", UNASKED
    yield "Caching allocator config", environment.variables.get("PYTORCH_CUDA_ALLOC_CONF", "N/A")


def _libraries(subject: Subject) -> Iterator[str]:
    for name, distribution in sorted(subject.environment.packages.items()):
        manager = "conda" if distribution.installer == "conda" else "pip3"
        yield f"[{manager}] {name}=={distribution.version or 'unknown'}"


# Facts in words


def platform_name(environment: Environment) -> str:
    """`Linux-6.1.0-x86_64`: as Python's `platform.platform()`, less what is not known."""
    platform = environment.platform
    parts = (_SYSTEMS.get(platform.system, platform.system), platform.release, platform.machine)
    return "-".join(part for part in parts if part)


def accelerator(environment: Environment, none: str) -> str:
    """What torch can compute on besides the CPU; `none` when it said that there is nothing."""
    torch = environment.torch
    if torch.cuda_available is None:
        return "unknown"
    kinds = (("CUDA", torch.cuda_available), ("XPU", torch.xpu_available), ("MPS", torch.mps_available))
    return next((kind for kind, available in kinds if available), none)


def devices(environment: Environment) -> tuple[Accelerator, ...]:
    """Each device once: as torch sees them, or as the driver does where torch sees none."""
    by_torch = tuple(each for each in environment.accelerators if each.seen_by == "torch")
    return by_torch or environment.accelerators


def ram(environment: Environment) -> str:
    """`23.54 GB` (of 1024**3 bytes, as accelerate has it), and the limit that a container sets."""
    memory = environment.memory
    if memory.total is None:
        return "unknown"
    limit = f" (limited to {memory.limit / 1024**3:.2f} GB by {memory.limit_source})" if memory.limit is not None else ""
    return f"{memory.total / 1024**3:.2f} GB{limit}"


def _device(environment: Environment, ask: bool) -> Iterator[Labelled]:
    found = devices(environment)
    kind = {"xpu": "XPU", "mps": "MPS"}.get(found[0].kind, "GPU") if found else "GPU"
    if found and ask:
        yield f"Using {kind} in script?", FILL_IN
    if found:
        yield f"{kind} type", ", ".join(dict.fromkeys(each.name for each in found))


def _no_device(environment: Environment, none: str) -> str:
    return none if environment.torch.cuda_available is not None else "unknown"


def _with_memory(device: Accelerator) -> str:
    return device.name if device.memory_total is None else f"{device.name}, {device.memory_total // 1024**2} MiB"


def _accelerate_config(subject: Subject, absent: str) -> str:
    """On lines of its own, as both commands have it."""
    if subject.accelerate_config is None:
        return absent if subject.environment.read_from is None else "unknown"
    return "".join(f"\n\t- {name}: {value}" for name, value in subject.accelerate_config.items())


def _yes_no(answer: bool | None) -> str:
    return "unknown" if answer is None else str(answer)
