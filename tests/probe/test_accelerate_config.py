from __future__ import annotations

from pathlib import Path

import pytest

from doctor.probe.accelerate_config import MAX_BYTES, accelerate_config


def _config(tmp_path: Path, text: str, name: str = "default_config.yaml") -> object:
    folder = tmp_path / "hf" / "accelerate"
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    return accelerate_config({"HF_HOME": str(tmp_path / "hf")})


def test_what_bears_on_loading_is_shown_and_machines_are_not_named(tmp_path: Path) -> None:
    text = """\
compute_environment: LOCAL_MACHINE
distributed_type: FSDP
fsdp_config:
  fsdp_cpu_ram_efficient_loading: true
main_process_ip: 10.9.8.7
machine_rank: 0
tpu_name: null
megatron_lm_config: {}
my_own_key: private
"""
    assert _config(tmp_path, text) == {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "FSDP",
        "fsdp_config": "{'fsdp_cpu_ram_efficient_loading': True}",
        "main_process_ip": "(set)",
        "machine_rank": "0",
    }


def test_the_older_form_is_read_too(tmp_path: Path) -> None:
    assert _config(tmp_path, '{"distributed_type": "NO", "use_cpu": false}', "default_config.json") == {"distributed_type": "NO", "use_cpu": "False"}


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "x" * (2 * MAX_BYTES), "a: &a [*a]"])
def test_what_is_no_configuration_is_none(tmp_path: Path, text: str) -> None:
    assert _config(tmp_path, text) is None


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    assert accelerate_config({"XDG_CACHE_HOME": str(tmp_path)}) is None
