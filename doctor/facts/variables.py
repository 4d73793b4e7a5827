"""The environment variables that change how models load. An allow-list: no other variable is ever read into a report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_CHANGES_LOADING = frozenset({
    "ACCELERATE_INIT_INCLUDE_BUFFERS", "ACCELERATE_USE_CPU", "ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP",
    "CUDA_VISIBLE_DEVICES", "FSDP_CPU_RAM_EFFICIENT_LOADING", "FSDP_OFFLOAD_PARAMS", "FSDP_VERSION", "HF_DEACTIVATE_ASYNC_LOAD",
    "HF_ENABLE_PARALLEL_LOADING", "HF_HUB_OFFLINE", "HIP_VISIBLE_DEVICES", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "PYTORCH_CUDA_ALLOC_CONF",
    "PYTORCH_ENABLE_MPS_FALLBACK", "RANK", "ROCR_VISIBLE_DEVICES", "SAFETENSORS_FAST_GPU", "TORCH_DEVICE_BACKEND_AUTOLOAD",
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "TRANSFORMERS_OFFLINE", "USE_FLAX", "USE_TF", "USE_TORCH", "WORLD_SIZE",
    "ZE_AFFINITY_MASK",
})  # fmt: skip
_HARMLESS_VALUE = re.compile(r"[A-Za-z0-9_.,:=\-]{0,40}")
_GPU_SERIAL = re.compile(r"(GPU|MIG)-", re.IGNORECASE)


def loading_variables(variables: Mapping[str, str], also: Iterable[str]) -> dict[str, str]:
    """Those of `variables` that change loading, and those `also` named by the matrix; a value that could be private reads `(set)`."""
    return {name: _shown(variables[name]) for name in sorted(_CHANGES_LOADING.union(also)) if name in variables}


def _shown(value: str) -> str:
    harmless = _HARMLESS_VALUE.fullmatch(value) and not _GPU_SERIAL.search(value)
    return value if harmless else "(set)"
