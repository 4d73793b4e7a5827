"""The environment variables that change how models load, alone or as ranks of a job. An allow-list: no other is ever read into a report."""

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
_OF_A_JOB = frozenset({
    "FSDP_SYNC_MODULE_STATES", "GROUP_RANK", "GROUP_WORLD_SIZE", "JOB_COMPLETION_INDEX", "MASTER_PORT", "MPI_LOCALNRANKS", "MPI_LOCALRANKID",
    "MV2_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_SIZE", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE",
    "NCCL_ALGO", "NCCL_BLOCKING_WAIT", "NCCL_CROSS_NIC", "NCCL_CUMEM_ENABLE", "NCCL_IB_DISABLE", "NCCL_IB_GID_INDEX", "NCCL_IB_HCA",
    "NCCL_IB_TIMEOUT", "NCCL_NET", "NCCL_NET_GDR_LEVEL", "NCCL_P2P_DISABLE", "NCCL_P2P_LEVEL", "NCCL_PROTO", "NCCL_SHM_DISABLE",
    "NCCL_SOCKET_IFNAME", "TORCH_NCCL_ASYNC_ERROR_HANDLING", "TORCH_NCCL_BLOCKING_WAIT",
    "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE",
    "SLURM_LOCALID", "SLURM_NNODES", "SLURM_NODEID", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE", "SLURM_PROCID",
})  # fmt: skip
"""What launchers give to each rank of a job, and what its ranks talk to each other by."""
_HARMLESS_VALUE = re.compile(r"[A-Za-z0-9_.,:=\-]{0,40}")
_GPU_SERIAL = re.compile(r"(GPU|MIG)-", re.IGNORECASE)


def loading_variables(variables: Mapping[str, str], also: Iterable[str]) -> dict[str, str]:
    """Those of `variables` that change loading, those of a job of many ranks, and those `also` named by the matrix.

    A value that could be private reads `(set)`.
    """
    return {name: _shown(variables[name]) for name in sorted(_CHANGES_LOADING.union(_OF_A_JOB, also)) if name in variables}


def without_job(variables: Mapping[str, str]) -> dict[str, str]:
    """Those that may matter to a process that is alone."""
    return {name: value for name, value in variables.items() if name not in _OF_A_JOB}


def _shown(value: str) -> str:
    harmless = _HARMLESS_VALUE.fullmatch(value) and not _GPU_SERIAL.search(value)
    return value if harmless else "(set)"
