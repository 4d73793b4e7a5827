"""accelerate's default configuration, which its maintainers ask for: what of it bears on loading, and nothing that names a machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from doctor.files import read_beginning

MAX_BYTES = 64 * 1024
_SHOWN = frozenset({
    "compute_environment", "debug", "deepspeed_config", "distributed_type", "downcast_bf16", "dynamo_config", "enable_cpu_affinity",
    "fp8_config", "fsdp_config", "gpu_ids", "ipex_config", "machine_rank", "megatron_lm_config", "mixed_precision", "mpirun_config",
    "num_machines", "num_processes", "parallelism_config", "rdzv_backend", "same_network", "tpu_use_cluster", "tpu_use_sudo", "use_cpu",
})  # fmt: skip
_SAID_TO_BE_SET = frozenset({
    "command_file", "commands", "deepspeed_hostfile", "main_process_ip", "main_process_port", "main_training_function", "tpu_env",
    "tpu_name", "tpu_zone",
})  # fmt: skip
"""Names of machines and programs, where it matters only whether there are any."""


def accelerate_config(variables: Mapping[str, str]) -> Mapping[str, str] | None:
    """The default configuration of the user whose environment variables these are; None when there is none that can be read.

    Where it lies: accelerate's `commands/config/config_args.py`.
    """
    cache = variables.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    folder = Path(os.path.expanduser(variables.get("HF_HOME") or os.path.join(cache, "huggingface"))) / "accelerate"
    for name in ("default_config.yaml", "default_config.json"):
        try:
            return _shown(_data(read_beginning(folder / name, MAX_BYTES)))
        except OSError:
            continue
    return None


def _data(content: bytes) -> Any:
    """JSON is YAML as well."""
    from doctor.knowledge.yaml_reader import YamlFault, read_yaml

    try:
        return read_yaml(content.decode("utf-8", "replace"))
    except YamlFault:
        return None


def _shown(data: Any) -> Mapping[str, str] | None:
    if not isinstance(data, dict):
        return None
    known = {key: value for key, value in data.items() if value not in (None, {}) and key in _SHOWN | _SAID_TO_BE_SET}
    return {key: _text(value) if key in _SHOWN else "(set)" for key, value in known.items()}


def _text(value: Any) -> str:
    return str(value)[:1000]
