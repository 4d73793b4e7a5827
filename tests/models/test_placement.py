"""Where models go and what is left on meta: what doctor foretells against what from_pretrained of real releases does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import types
from pathlib import Path
from typing import Any

import pytest

from doctor.facts.placement import MachineLimits, Placement, Refusal
from doctor.models.fit import Conditions, verdict_on
from doctor.models.inventory import read_checkpoint
from doctor.models.locate import locate_model
from doctor.probe.placement import SCRIPT, Attempt, NoAnswer, Question, ask_placement
from tests.stacks import python_in
from tools.regenerate import HUB_CACHE

GIB = 1024**3
LOADS = Path(__file__).parents[2] / "tools" / "inside" / "fit_loads.py"
LLAMA_3_1_8B = read_checkpoint(locate_model("meta-llama/Llama-3.1-8B-Instruct", {"HF_HUB_CACHE": str(HUB_CACHE)})).config


def asked(stack: Path, question: Question) -> list[Placement]:
    answer = ask_placement(str(python_in(stack)), question)
    assert not isinstance(answer, NoAnswer), answer
    placements = [each for each in answer if isinstance(each, Placement)]
    assert len(placements) == len(answer), answer
    return placements


def test_the_seed_case(old_stack: Path) -> None:
    machines = (((), 8), ((), 16), ((), 32), ((24,), 32))
    attempts = tuple(Attempt(gpus=tuple(gpu * GIB for gpu in gpus), ram=ram * GIB) for gpus, ram in machines)
    placed = asked(old_stack, Question(LLAMA_3_1_8B, batch=2, context=4096, attempts=attempts))
    for each in placed:
        assert (each.parameters, each.dtypes["bfloat16"], each.model_class) == (8_030_261_248, 16_060_522_496, "LlamaForCausalLM")
        assert each.cache is not None
        assert each.cache.bytes == 2 * 32 * 8 * 128 * 2 * 4096 * 2
    lines = []
    for each, (gpus, ram) in zip(placed, machines, strict=True):
        machine = MachineLimits({str(number): gpu * GIB for number, gpu in enumerate(gpus)}, ram * GIB, "given with --ram", None)
        lines.append(verdict_on(each, Conditions(machine, None, False, False, True)).line)
    assert lines == [
        "does not fit in 8 GiB RAM: layers 14-31, model.norm and lm_head go to the disk;"
        " `.to()`, Trainer and merge_and_unload will raise; generation works, slowly",
        "fits in 16 GiB RAM: 15 GiB in RAM; nothing is left on meta",
        "fits in 32 GiB RAM: 15 GiB in RAM; nothing is left on meta",
        "fits in 24 GiB GPU + 32 GiB RAM: 15 GiB on GPU 0; nothing is left on meta",
    ]


def test_several_gpus(current_stack: Path) -> None:
    balanced, sequential, both = asked(
        current_stack,
        Question(
            LLAMA_3_1_8B,
            attempts=(
                Attempt(gpus=(24 * GIB, 24 * GIB)),
                Attempt(gpus=(12 * GIB, 24 * GIB), device_map="sequential"),
                Attempt(max_memory={"0": 4 * GIB, "1": 4 * GIB, "cpu": 4 * GIB}),
            ),
        ),
    )
    assert balanced.devices == sequential.devices == ("0", "1")
    assert abs(balanced.on("0") - balanced.on("1")) < 2 * GIB < sequential.on("0") - sequential.on("1")
    assert both.devices == ("0", "1", "cpu", "disk")
    assert both.on_meta.parameters * 2 == both.on_meta.bytes == sum(each.parameters * 2 for each in both.parts if each.device in ("cpu", "disk"))


@pytest.mark.parametrize("stack", ["old_stack", "current_stack"])
def test_what_is_foretold_is_what_from_pretrained_does(stack: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    home = request.getfixturevalue(stack)
    environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules"), "CUDA_VISIBLE_DEVICES": ""}

    def run(*arguments: str) -> list[dict[str, Any]]:
        command = [str(python_in(home)), str(LOADS), arguments[0], str(tmp_path), *arguments[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return [json.loads(each) for each in done.stdout.splitlines() if each.startswith("{")]

    (made,) = run("make", "encoder_decoder")
    limits = [{"cpu": int(made["bytes"] * share)} for share in (4, 0.7, 0.3)]
    common = {"name": "encoder_decoder", "device_map": "auto", "dtype": "float32"}
    real = run("load", *(json.dumps({**common, "setting": str(number), "max_memory": each}) for number, each in enumerate(limits)))
    checkpoint = read_checkpoint(str(tmp_path / "encoder_decoder"))
    foretold = asked(home, Question(checkpoint.config, attempts=tuple(Attempt(dtype="float32", max_memory=each) for each in limits)))
    for loaded, placed in zip(real, foretold, strict=True):
        assert {each.module: each.device for each in placed.parts} == loaded["map"]
        assert (placed.on_meta.tensors, placed.on_meta.parameters) == (loaded["meta"], loaded["meta_parameters"])
    assert [len(each.parts) > 1 for each in foretold] == [False, True, True]
    assert foretold[0].bytes == real[0]["bytes"]
    assert set(foretold[0].ties) == {"shared.weight"}


@pytest.mark.parametrize(
    ("layer", "double", "expected"),
    [
        ("Linear8bitLt", False, {"int8": 3840, "float32": 160}),
        ("Linear4bit", False, {"uint8 (4 bits each)": 1920, "float32": 4 * 60 + 64}),
        ("Linear4bit", True, {"uint8 (4 bits each)": 1920, "uint8": 60, "float32": 64 + 4 + 1024 + 4}),
        ("Linear", False, None),
    ],
)
def test_a_weight_that_bitsandbytes_packs_has_the_size_it_has_there(layer: str, double: bool, expected: dict[str, int] | None) -> None:
    """Measured with bitsandbytes 0.50.2 on a CPU, of a weight of 40 x 96."""
    spec = importlib.util.spec_from_file_location("placement", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    inside = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inside)
    owner = type(layer, (), {"__module__": "bitsandbytes.nn.modules"})()
    weight = types.SimpleNamespace(numel=lambda: 3840, shape=(40, 96), blocksize=64, compress_statistics=double)
    assert inside.packed(owner, weight) == expected


def test_what_a_release_refuses_is_said(old_stack: Path) -> None:
    answer = ask_placement(str(python_in(old_stack)), Question({"architectures": ["No"], "model_type": "of-no-release"}))
    assert not isinstance(answer, NoAnswer)
    (refused,) = answer
    assert isinstance(refused, Refusal)
    assert "of-no-release" in refused.error


def test_own_code_is_not_run_unless_asked(old_stack: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "modeling_own.py").write_text(f"open({str(ran)!r}, 'w')\n")
    config = {"model_type": "own", "auto_map": {"AutoConfig": "modeling_own.Own", "AutoModel": "modeling_own.Own"}}
    question = Question(config, code=(str(tmp_path / "modeling_own.py"),))
    ask_placement(str(python_in(old_stack)), question)
    assert not ran.exists()
