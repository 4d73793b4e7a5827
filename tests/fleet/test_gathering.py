"""Many ranks held against each other: which groups they make, and what is wrong over them."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doctor.facts.environment import Environment, Memory
from doctor.facts.seen import CheckpointSeen
from doctor.fleet.gathering import Fleet, Gathering
from doctor.fleet.rank import NoReport
from doctor.fleet.reading import ReportReader
from doctor.fleet.troubles import RULES
from doctor.knowledge.matrix_file import builtin_matrix
from tests.environments import with_distribution
from tests.fleet.reports import GIB, MODEL, USUAL, report_text


def fleet(*texts: str) -> Fleet:
    reader, gathering = ReportReader(), Gathering()
    for number, text in enumerate(texts):
        gathering.add(reader.understood(f"rank {number}", text.encode()))
    return gathering.fleet(builtin_matrix())


def of_job(size: int, here: Environment = USUAL, checkpoint: CheckpointSeen | None = None, **variables: Any) -> list[str]:
    return [report_text(here, checkpoint, RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=size, LOCAL_WORLD_SIZE=size, **variables) for rank in range(size)]


def rules(found: Fleet) -> dict[str, tuple[str, ...]]:
    return {each.rule: each.members.names for each in found.findings}


def test_ranks_that_differ_only_in_what_is_their_own_are_one_group() -> None:
    texts = of_job(4)
    texts[3] = texts[3].replace(f'"total": {USUAL.memory.total}', f'"total": {int(16.2 * GIB)}')
    assert texts[3] != of_job(4)[3]
    found = fleet(*texts)
    assert [each.members.count for each in found.groups if each.troubles] == []
    assert (found.differences, found.findings) == ((), ())


def test_devices_of_ones_own_are_alike_where_their_number_is() -> None:
    alone = [report_text(CUDA_VISIBLE_DEVICES=rank) for rank in range(3)]
    assert fleet(*alone).differences == ()
    (found,) = fleet(*alone, report_text(CUDA_VISIBLE_DEVICES="0,1")).differences
    assert found.values == ("1 device", "2 devices")


def test_the_riskiest_difference_comes_first_and_the_largest_group_is_the_usual_one() -> None:
    odd = replace(with_distribution(USUAL, "transformers", version="4.53.1"), memory=Memory(4 * GIB, GIB, None, None))
    found = fleet(*of_job(3)[:2], report_text(odd, RANK=2, LOCAL_RANK=2, WORLD_SIZE=3, LOCAL_WORLD_SIZE=3))
    assert [each.members.names for each in found.groups] == [("rank 0", "rank 1"), ("rank 2",)]
    assert [(each.fact, each.values) for each in found.differences] == [
        ("packages.transformers.version", ("4.49.0", "4.53.1")),
        ("memory.total", ("16 GiB", "4 GiB")),
    ]


@pytest.mark.parametrize(
    ("variables", "detail"),
    [
        ({"RANK": 3, "WORLD_SIZE": 8, "PMI_SIZE": 4, "PMI_RANK": 3}, "WORLD_SIZE=8 and PMI_SIZE=4"),
        ({"RANK": 1, "WORLD_SIZE": 2, "PMI_SIZE": 2, "PMI_RANK": 0}, "RANK and PMI_RANK are different numbers"),
        ({"RANK": 9, "WORLD_SIZE": 8}, "a RANK that is not below WORLD_SIZE=8"),
        ({"RANK": 3, "WORLD_SIZE": 8, "LOCAL_RANK": 4, "LOCAL_WORLD_SIZE": 4}, "a LOCAL_RANK that is not below LOCAL_WORLD_SIZE=4"),
        ({"RANK": 0, "WORLD_SIZE": 8, "LOCAL_WORLD_SIZE": 8, "SLURM_NTASKS": 3}, "WORLD_SIZE=8 and SLURM_NTASKS=3"),
    ],
)
def test_launchers_that_contradict_each_other(variables: dict[str, Any], detail: str) -> None:
    found = [each for each in fleet(report_text(**variables)).findings if each.rule == "launchers-contradict"]
    assert [each.detail for each in found] == [detail]


@pytest.mark.parametrize(
    "variables",
    [
        {"RANK": 3, "WORLD_SIZE": 8, "LOCAL_WORLD_SIZE": 8, "SLURM_NTASKS": 1, "SLURM_PROCID": 0},
        {"RANK": 3, "WORLD_SIZE": 8, "LOCAL_WORLD_SIZE": 4, "PMI_SIZE": 2, "PMI_RANK": 0},
        {"RANK": 3, "WORLD_SIZE": 8, "LOCAL_WORLD_SIZE": 8, "SLURM_NTASKS": 8, "SLURM_PROCID": 0},
        {"OMPI_COMM_WORLD_RANK": 1, "OMPI_COMM_WORLD_SIZE": 2, "SLURM_NTASKS": 2},
        {"WORLD_SIZE": "many"},
    ],
)
def test_torchrun_within_a_task_of_slurm_is_no_contradiction(variables: dict[str, Any]) -> None:
    assert "launchers-contradict" not in rules(fleet(report_text(**variables)))


def test_switches_that_must_agree() -> None:
    with_it = [report_text(ACCELERATE_USE_FSDP="true", FSDP_CPU_RAM_EFFICIENT_LOADING=on) for on in ("true", "True", "1")]
    assert "switches-disagree" not in rules(fleet(*with_it))
    found = fleet(*with_it, report_text(ACCELERATE_USE_FSDP="true"))
    (finding,) = found.findings
    assert (finding.rule, finding.members.names) == ("switches-disagree", ("rank 3",))
    assert finding.detail == "FSDP_CPU_RAM_EFFICIENT_LOADING: not set; true on the others"


def test_weights_that_one_rank_loads_have_to_be_sent() -> None:
    on: dict[str, Any] = {"ACCELERATE_USE_FSDP": "true", "FSDP_CPU_RAM_EFFICIENT_LOADING": "true"}
    assert rules(fleet(report_text(**on, FSDP_SYNC_MODULE_STATES="false"))) == {"not-synced": ("rank 0",)}
    assert rules(fleet(report_text(**on, FSDP_SYNC_MODULE_STATES="true"))) == {}
    assert rules(fleet(report_text(**on, FSDP_SYNC_MODULE_STATES="false", FSDP_VERSION=2))) == {}


def test_a_configuration_file_that_is_not_in_effect() -> None:
    config = {"distributed_type": "FSDP"}
    assert rules(fleet(report_text(config=config, WORLD_SIZE=2))) == {"not-in-effect": ("rank 0",)}
    assert rules(fleet(report_text(config=config, WORLD_SIZE=2, ACCELERATE_USE_FSDP="true"))) == {}
    assert rules(fleet(report_text(config=config))) == {}


ASKED = {"fsdp_version": 2, "fsdp_cpu_ram_efficient_loading": True, "fsdp_sync_module_states": True, "fsdp_offload_params": True}


@pytest.mark.parametrize(
    ("setting", "detail"),
    [
        ("fsdp_version", "fsdp_version: 2 in the file, and FSDP_VERSION is not set: it is version 1"),
        (
            "fsdp_cpu_ram_efficient_loading",
            "fsdp_cpu_ram_efficient_loading: true in the file, and FSDP_CPU_RAM_EFFICIENT_LOADING is not set: each rank loads the whole model",
        ),
        (
            "fsdp_sync_module_states",
            "fsdp_sync_module_states: true in the file, and FSDP_SYNC_MODULE_STATES is not set: each rank keeps the values it has",
        ),
        ("fsdp_offload_params", "fsdp_offload_params: true in the file, and FSDP_OFFLOAD_PARAMS is not set: parameters are not offloaded"),
    ],
)
def test_each_setting_of_the_file_that_is_not_in_effect(setting: str, detail: str) -> None:
    """As accelerate 1.15 makes variables of its file, and takes what is not set; keys of older files lack `fsdp_`."""
    for key in (setting, setting.removeprefix("fsdp_")):
        config = {"distributed_type": "FSDP", "fsdp_config": str({key: ASKED[setting]})}
        more: dict[str, Any] = {setting.upper(): ASKED[setting]}
        job = of_job(4, config=config, ACCELERATE_USE_FSDP="true")
        (finding,) = fleet(*job).findings
        assert (finding.rule, finding.detail, finding.everywhere) == ("not-in-effect", detail, True)
        set_by_some = [*job[:3], of_job(4, config=config, ACCELERATE_USE_FSDP="true", **more)[3]]
        assert rules(fleet(*set_by_some)) == {"switches-disagree": ("rank 3",), "not-in-effect": ("rank 0", "rank 1", "rank 2")}


def test_a_file_whose_settings_the_environment_has_or_that_asks_for_what_is_so_anyway() -> None:
    config = {"distributed_type": "FSDP", "fsdp_config": str(ASKED)}
    as_launched: dict[str, Any] = {"ACCELERATE_USE_FSDP": "true", **{name.upper(): str(value).lower() for name, value in ASKED.items()}}
    assert fleet(*of_job(2, config=config, **as_launched)).findings == ()
    assert fleet(*of_job(2, config=config, **{**as_launched, "FSDP_VERSION": 1})).findings == ()
    plain = {"distributed_type": "FSDP", "fsdp_config": "{'fsdp_version': 1, 'fsdp_offload_params': False, 'fsdp_cpu_ram_efficient_loading': False}"}
    assert fleet(*of_job(2, config=plain, ACCELERATE_USE_FSDP="true")).findings == ()
    one_loads: dict[str, Any] = {"ACCELERATE_USE_FSDP": "true", "FSDP_CPU_RAM_EFFICIENT_LOADING": "true"}
    synced = {"distributed_type": "FSDP", "fsdp_config": "{'fsdp_sync_module_states': True}"}
    assert fleet(*of_job(2, config=synced, **one_loads)).findings == ()


def test_a_file_of_which_nothing_is_in_effect_is_one_finding() -> None:
    (finding,) = fleet(*of_job(2, config={"distributed_type": "FSDP", "fsdp_config": str(ASKED)})).findings
    assert finding.detail == (
        "distributed_type: FSDP in the file, and ACCELERATE_USE_FSDP is not set; so fsdp_version, fsdp_cpu_ram_efficient_loading, "
        "fsdp_sync_module_states, fsdp_offload_params of the file have no effect"
    )
    (other,) = fleet(*of_job(2, config={"distributed_type": "DEEPSPEED"})).findings
    assert other.detail == "distributed_type: DEEPSPEED in the file, and ACCELERATE_USE_DEEPSPEED is not set"


def test_a_version_that_is_not_set_is_the_first() -> None:
    assert fleet(report_text(ACCELERATE_USE_FSDP=1), report_text(ACCELERATE_USE_FSDP=1, FSDP_VERSION=1)).findings == ()
    assert rules(fleet(report_text(ACCELERATE_USE_FSDP=1), report_text(ACCELERATE_USE_FSDP=1, FSDP_VERSION=2))) == {"switches-disagree": ("rank 1",)}


def test_ranks_that_only_slurm_counts() -> None:
    texts = [report_text(checkpoint=MODEL, SLURM_PROCID=rank, SLURM_NTASKS=4, SLURM_NNODES=2) for rank in range(4)]
    assert rules(fleet(*texts[:3])) == {"ranks-missing": ("rank 3",)}
    assert rules(fleet(*texts, texts[0])) == {}
    small = replace(USUAL, memory=Memory(GIB, None, None, None))
    (finding,) = fleet(*[report_text(small, MODEL, SLURM_PROCID=rank, SLURM_NTASKS=4, SLURM_NNODES=2) for rank in range(4)]).findings
    assert finding.detail == "2 ranks of a node would take 2 GiB, 1 GiB each, of 1 GiB"


def test_memory_of_a_node_against_what_its_ranks_load() -> None:
    small = replace(USUAL, memory=Memory(64 * GIB, None, 7 * GIB, "cgroup v2"))
    found = fleet(*of_job(8, small, MODEL))
    (finding,) = found.findings
    assert (finding.rule, finding.everywhere) == ("host-memory", True)
    assert finding.detail == "8 ranks of a node would take 8 GiB, 1 GiB each, of 7 GiB"
    one = {"ACCELERATE_USE_FSDP": "true", "FSDP_CPU_RAM_EFFICIENT_LOADING": "true"}
    assert fleet(*of_job(8, small, MODEL, **one)).findings == ()
    assert rules(fleet(*of_job(8, replace(small, memory=Memory(9 * GIB, None, None, None)), MODEL))).keys() == {"host-memory-copies"}


def test_a_checkpoint_that_is_not_the_same_everywhere() -> None:
    elsewhere = CheckpointSeen("org/model", error="org/model: there is no such file or folder")
    other = replace(MODEL, digest="b" * 32)
    found = rules(fleet(*[report_text(checkpoint=each) for each in (MODEL, MODEL, elsewhere, other)]))
    assert found == {"checkpoint-differs": ("rank 3",), "checkpoint-not-here": ("rank 2",)}


def test_little_room_on_a_disk_is_told() -> None:
    full = replace(USUAL, disk=replace(USUAL.disk, free=2 * GIB))
    assert rules(fleet(report_text(), report_text(full))) == {}
    assert rules(fleet(report_text(checkpoint=MODEL), report_text(full, MODEL))) == {"disk-full": ("rank 1",)}


def test_a_rank_whose_report_is_broken_is_not_missing() -> None:
    texts = of_job(4)
    assert rules(fleet(texts[0], texts[1][:3000], texts[2])) == {"ranks-missing": ("rank 3",)}


def test_ranks_that_are_missing_and_ranks_that_are_there_twice() -> None:
    texts = of_job(12)
    found = rules(fleet(*texts[:10], texts[4]))
    assert found == {"ranks-missing": ("rank 10", "rank 11"), "rank-twice": ("rank 10",)}
    assert rules(fleet(*texts)) == {}


def test_nccl_that_is_not_set_alike() -> None:
    found = fleet(*[report_text(NCCL_IB_DISABLE=0)] * 3, report_text(NCCL_IB_DISABLE=1))
    assert [(each.rule, each.detail) for each in found.findings] == [("nccl-differs", "NCCL_IB_DISABLE")]


def test_every_rule_is_found_by_some_test_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [name for name in RULES if f'"{name}"' not in text] == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "its report is empty"),
        ("\n", "its report is empty"),
        (report_text()[: len(report_text()) // 2], "its report is cut short"),
        ("Traceback (most recent call last)", "its file holds no report of doctor's"),
        ("[1, 2]", "its file holds no report of doctor's"),
        ('{"environment": {}}', "its file holds no report of doctor's"),
        (report_text().replace('"schema_version": 2', '"schema_version": 9'), "schema version 9"),
        (report_text().replace('"total": 17179869184', '"total": -1'), "expected a number of bytes"),
        (report_text().replace('"total": 17179869184', '"total": "much"'), "environment.memory.total"),
        ("[" * 100_000, "no report of doctor's"),
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_used_is_what_is_known_of_its_rank(text: str, reason: str) -> None:
    found = ReportReader().understood("rank 4", text.encode())
    assert isinstance(found, NoReport)
    assert reason in found.reason


def test_a_report_that_a_shell_or_a_tracker_has_changed_is_still_read() -> None:
    good = report_text()
    assert len(fleet(good, "srun: job 5 queued\n" + good).groups) == 1


def test_memory_does_not_grow_with_the_number_of_reports() -> None:
    document = json.loads(report_text())
    reader, gathering = ReportReader(), Gathering()

    def take(first: int, last: int) -> int:
        tracemalloc.reset_peak()
        for number in range(first, last):
            document["environment"]["variables"] = {"RANK": str(number), "WORLD_SIZE": "4000"}
            document["environment"]["disk"]["free"] = 500 * GIB + number
            gathering.add(reader.understood(f"rank {number}", json.dumps(document).encode()))
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        before, after = take(0, 200), take(200, 800)
    finally:
        tracemalloc.stop()
    assert after < before + 64 * 1024
    assert gathering.fleet(builtin_matrix()).total == 800


def test_many_that_are_all_different_are_bounded_and_counted() -> None:
    gathering, reader = Gathering(), ReportReader()
    text = report_text()
    for number in range(700):
        gathering.add(reader.understood(f"n{number}", text.replace('"version": "4.49.0"', f'"version": "4.49.{number}"').encode()))
    found = gathering.fleet(builtin_matrix())
    assert (found.total, len(found.groups), found.left_out) == (700, 500, 200)
