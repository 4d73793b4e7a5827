"""Models that are loaded already, held against their files in the process that has them: three releases, one process each."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import doctor
from doctor.reports.json import published_schemas
from tests.stacks import python_in

Reports = dict[str, Any]
BESIDE = ("peft==0.17.1", "optimum-quanto==0.2.7", "diffusers==0.35.2", "pillow", "importlib-metadata", "zipp", "psutil")
"""What goes with the middle stack, and needs nothing more of it."""
STACKS = ("old_stack", "current_stack")


@pytest.fixture(scope="module")
def inspected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Reports]:
    """What `tests/programs/inspected.py` found in a stack."""
    known: dict[str, Reports] = {}

    def reports(stack: str) -> Reports:
        if stack not in known:
            python = python_in(request.getfixturevalue(stack))
            known[stack] = run_beside("inspected.py", Path(python), tmp_path_factory.mktemp(stack))["found"]
        return known[stack]

    return reports


def run_beside(program: str, python: Path, folder: Path, *beside: Path) -> Any:
    """The JSON that a program prints in a stack, with the doctor of these tests, and what else is named, beside what is installed there."""
    roots = [str(Path(doctor.__file__).parent.parent), *map(str, beside), *(each for each in sys.path if each.endswith("site-packages"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(roots), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [str(python), "-B", str(Path(__file__).parent / "programs" / program), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout[done.stdout.index("{") :])


def faults(report: Any) -> dict[str, list[str]]:
    """The tensors by kind of fault."""
    found: dict[str, list[str]] = {}
    for each in report["inspection"]["faults"]:
        found.setdefault(each["kind"], []).extend(each["names"])
    return found


RIGHT = (
    "llama", "sharded", "gpt2", "bfloat16", "without-head", "compiled", "offloaded", "pickled", "mixtral", "t5", "numbered",
)  # fmt: skip


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_loaded_right_is_said_to_be(stack: str, inspected: Callable[[str], Reports]) -> None:
    found = inspected(stack)
    wrong = {name: (faults(found[name]), found[name]["inspection"]["not_told"]) for name in RIGHT if found[name]["exit_code"] != 0}
    assert wrong == {}
    assert found["gpt2"]["summary"].startswith("all 28 tensors are those of the file, 1 tie holds")
    assert "9 of them offloaded" in found["offloaded"]["summary"]
    assert found["offloaded"]["exposed"]
    assert found["without-head"]["inspection"]["unused"] == ["lm_head.weight"]
    assert found["random-numbers-kept"]


@pytest.mark.parametrize("stack", STACKS)
def test_each_way_to_be_wrong_is_told_by_name(stack: str, inspected: Callable[[str], Reports]) -> None:
    found = faults(inspected(stack)["many"])
    first, second = "model.layers.0.", "model.layers.1."
    assert found.pop("buffer-not-as-built") == ["model.rotary_emb.inv_freq"]
    assert found == {
        "uninitialised": [first + "mlp.up_proj.weight"],
        "fresh": [second + "mlp.up_proj.weight", second + "mlp.down_proj.weight"],
        "on-meta": [first + "self_attn.k_proj.weight"],
        "transposed": [first + "self_attn.q_proj.weight"],
        "another-tensor": [first + "mlp.gate_proj.weight"],
        "other-shape": [first + "self_attn.v_proj.weight"],
        "other-values": [second + "self_attn.q_proj.weight"],
        "rounded": [second + "self_attn.k_proj.weight"],
    }


@pytest.mark.parametrize("stack", STACKS)
def test_ties_are_those_of_the_class(stack: str, inspected: Callable[[str], Reports]) -> None:
    found = inspected(stack)
    assert faults(found["untied"]) == {"tie-lost": ["transformer.wte.weight", "lm_head.weight"]}
    tied = faults(found["tied"])
    assert tied.pop("tie-unasked") == ["model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight"]
    assert tied == {"another-tensor": ["model.layers.0.mlp.up_proj.weight"]}


def test_a_pair_that_the_file_has_as_two_is_to_be_tied_where_the_configuration_says_so(inspected: Callable[[str], Reports]) -> None:
    """Since 5.0.0 it is left as two (MT168)."""
    old, current = (inspected(stack)["two-of-a-pair"] for stack in STACKS)
    assert faults(old) == {}
    (fault,) = current["inspection"]["faults"]
    assert (fault["kind"], fault["names"]) == ("tie-lost", ["transformer.wte.weight", "lm_head.weight"])
    assert fault["detail"] == "two tensors, as the file has them, where the configuration asks for one"
    assert "MT168" in fault["advisories"]
    assert "MT168" not in inspected("current_stack")["untied"]["inspection"]["faults"][0]["advisories"]


@pytest.mark.parametrize("stack", STACKS)
def test_an_embedding_that_got_the_head_of_the_file_is_told(stack: str, inspected: Callable[[str], Reports]) -> None:
    """As 5.0.0 to 5.17 load it (MT153): the configuration's class says that the two are tied, whatever the file says."""
    found = inspected(stack)
    assert faults(found["head-apart"]) == {}
    wrong = faults(found["head-for-embedding"])["another-tensor"]
    assert "encoder.embed_tokens.weight" in wrong
    assert "lm_head.weight" not in wrong


@pytest.mark.parametrize("stack", STACKS)
def test_a_new_head_is_random_and_said_to_be(stack: str, inspected: Callable[[str], Reports]) -> None:
    assert faults(inspected(stack)["new-head"]) == {"fresh": ["score.weight"]}


def test_silent_faults_of_a_release_are_found_there_with_their_advisories(inspected: Callable[[str], Reports], more: Reports) -> None:
    """An added parameter is lost since 4.51.0 (MT012), a non-persistent buffer since 5.0.0 (MT016)."""
    old, middle, current = inspected("old_stack")["own"], more["own"], inspected("current_stack")["own"]
    assert faults(old) == {}
    assert faults(middle) == {"parameter-not-as-built": ["scale"]}
    assert faults(current) == {"parameter-not-as-built": ["scale"], "buffer-not-as-built": ["table"]}
    for report in (middle, current):
        for each in report["inspection"]["faults"]:
            assert {"parameter-not-as-built": "MT012", "buffer-not-as-built": "MT016"}[each["kind"]] in each["advisories"]


def test_modules_that_are_no_transformers_model(inspected: Callable[[str], Reports]) -> None:
    found = inspected("current_stack")
    assert faults(found["all-on-meta"]) == {"on-meta": ["table", "embed.weight", "head.weight"]}
    assert faults(found["after-to-empty"]) == {"buffer-not-as-built": ["table"], "tie-lost": ["embed.weight", "head.weight"]}
    assert faults(found["assigned"]).keys() == {"tie-lost", "on-meta"}
    assert faults(found["numbers-cast"]) == {"cast": ["ids"]}
    assert found["without-checkpoint"]["exit_code"] == 2


def test_the_report_has_the_published_shape(inspected: Callable[[str], Reports]) -> None:
    schema = json.loads(published_schemas()["inspection.schema.json"])
    reports = inspected("current_stack")
    for report in (each for name, each in reports.items() if name != "random-numbers-kept"):
        jsonschema.validate(report, schema)
    digests = [each["digest"] for each in reports["gpt2"]["inspection"]["tensors"]]
    assert all(isinstance(each, str) and len(each) == 32 for each in digests)
    assert all(each["digest"] is None for each in reports["llama"]["inspection"]["tensors"])


def test_each_rank_holds_its_part_against_its_place_in_the_file(middle_stack: Path, tmp_path: Path) -> None:
    found = run_beside("inspected_ranks.py", Path(python_in(middle_stack)), tmp_path)
    for name in ("fsdp2", "fsdp1", "fsdp1, parameters as they were"):
        for rank, report in enumerate(found[name]):
            assert report["exit_code"] == 0, (name, rank, report["inspection"]["faults"], report["inspection"]["not_told"])
            assert all("shard" in each["where"] for each in report["inspection"]["tensors"])
    assert [faults(each) for each in found["wrong on rank 1"]] == [{}, {"uninitialised": ["first.weight"]}]


@pytest.fixture(scope="module")
def more(middle_stack: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """What `tests/programs/inspected_more.py` found in a stack with these packages beside it."""
    beside = request.config.cache.mkdir("beside") / hashlib.sha256(" ".join((sys.version, *BESIDE)).encode()).hexdigest()[:12]
    if not (beside / "finished").exists():
        python = python_in(middle_stack)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", "--no-deps", "--target", beside, *BESIDE], check=True)
        (beside / "finished").touch()
    found: Reports = run_beside("inspected_more.py", python_in(middle_stack), tmp_path_factory.mktemp("more"), beside)
    return found


def test_a_pipeline_is_held_against_its_files_part_by_part(more: Reports) -> None:
    assert more["pipeline"]["exit_code"] == 0
    assert {each["name"].partition(".")[0] for each in more["pipeline"]["inspection"]["tensors"]} == {"unet", "vqvae"}
    assert faults(more["pipeline with a part that is wrong"]) == {"uninitialised": ["unet.conv_in.weight"]}


def test_a_base_and_its_adapter_are_held_against_two_checkpoints(more: Reports) -> None:
    assert more["adapter"]["summary"] == "all 25 tensors are those of the file, 1 buffer rebuilt"
    (untold,) = more["adapter, and the base alone to hold it against"]["inspection"]["not_told"]
    assert all(".lora_" in name for name in untold["names"])
    assert faults(more["adapter on a base that is wrong, and itself"]) == {
        "uninitialised": ["base_model.model.model.layers.1.self_attn.q_proj.weight"],
        "other-values": ["base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight"],
    }


def test_a_quantised_weight_is_held_against_the_file_by_what_it_stands_for(more: Reports) -> None:
    assert more["quantised"]["summary"].startswith("all 21 tensors are those of the file, 14 of them quantised")
    wrong = more["quantised, two exchanged"]
    assert faults(wrong) == {"other-values": [f"model.layers.{number}.mlp.up_proj.weight" for number in range(2)]}
    assert "unpacked, its values are not those of the file" in wrong["inspection"]["faults"][0]["detail"]


def test_partitions_of_zero_3_are_named_and_held_against_their_place(more: Reports) -> None:
    assert more["partitions"]["exit_code"] == 0
    assert {each["where"] for each in more["partitions"]["inspection"]["tensors"]} == {"ZeRO-3 partition of rank 0"}
    assert faults(more["a partition that is wrong"]) == {"uninitialised": ["weight"]}
    elsewhere = more["one gathered, one elsewhere"]["inspection"]
    assert elsewhere["not_told"] == [{"names": ["bias"], "reason": "a ZeRO-3 partition whose values are not in this process"}]
    assert "gathered from its ZeRO-3 partitions" in {each["where"] for each in elsewhere["tensors"]}


def test_without_torch_it_says_so() -> None:
    with pytest.raises(doctor.DoctorError, match="torch is not imported"):
        doctor.inspect_model(object())
