"""`doctor fit`, as it is typed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor.reports.json import published_schemas
from tests.conftest import Doctor
from tests.models.test_inventory import entry, gguf, safetensors

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16", "num_hidden_layers": 4, "num_attention_heads": 2}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Four layers of a gibibyte each, and an embedding of one; no disk holds the nothing that is in them."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**CONFIG, "hidden_size": 64}))
    size = 2**30
    names = ["model.embed_tokens.weight", *(f"model.layers.{number}.mlp.weight" for number in range(4))]
    described = {name: entry("BF16", [512, 2**20], at * size, (at + 1) * size) for at, name in enumerate(names)}
    header = safetensors(described, 0)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(header)
        file.truncate(len(header) + 5 * size)
    return folder


@pytest.fixture
def fit(doctor: Doctor, no_torch_stack: Path) -> Callable[..., Any]:
    """Run with an environment that cannot be asked, and hold what is printed against the published schema."""
    schema = json.loads(published_schemas()["fit.schema.json"])

    def run(*arguments: object) -> Any:
        ran = doctor("fit", *arguments, "--python", no_torch_stack, "--no-live", "--format", "json")
        report = ran.json
        jsonschema.validate(report, schema)
        assert report["exit_code"] == ran.code
        return report

    return run


def test_an_estimate_says_that_it_is_one(fit: Callable[..., Any], model: Path) -> None:
    report = fit(model, "--gpu", "2.3GiB", "--ram", "2GiB")
    assert (report["verdict"], report["decided_by"], report["exit_code"]) == ("offloaded", "estimate", 1)
    assert report["because"] == "nothing of the environment was to be run"
    assert report["bytes"]["by_device"] == {"0": 2 * 2**30, "cpu": 2 * 2**30, "disk": 2**30}
    assert report["on_meta"] == {"tensors": 3, "parameters": 3 * 2**29, "bytes": 3 * 2**30}
    assert report["verdict_line"].startswith("does not fit in 2.3 GiB GPU + 2 GiB RAM: layers 1-2 go to RAM; layer 3 goes to the disk; ")
    assert any("an estimate, because" in each for each in report["assumes"])


def test_what_fits(fit: Callable[..., Any], model: Path) -> None:
    report = fit(model / "model.safetensors", "--gpu", "0", "--ram", "8GiB", "--context", "100", "--batch", "2")
    assert (report["verdict"], report["exit_code"], report["on_meta"]["tensors"]) == ("fits", 0, 0)
    assert report["parameters"]["total"] == 5 * 2**29
    assert report["cache"]["bytes"] == 2 * 4 * 64 * 2 * 2 * 100


def test_another_dtype_and_quantisation(fit: Callable[..., Any], model: Path) -> None:
    common = ("--gpu", "0", "--ram", "64GiB")
    assert fit(model, "--dtype", "float32", *common)["bytes"]["by_dtype"] == {"float32": 10 * 2**30}
    assert fit(model, "--quantization", "8bit", *common)["bytes"]["by_dtype"] == {"bfloat16": 2**30, "int8": 2 * 2**30}


def test_gguf_is_laid_out_as_it_is_stored(fit: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(gguf([("token_embd.weight", (256, 4), 12, 0), ("blk.0.weight", (256, 4), 12, 576)], data=1152))
    report = fit(tmp_path / "x.gguf", "--gpu", "0", "--ram", "8GiB")
    assert (report["format"], report["bytes"]["by_dtype"], report["parameters"]["total"]) == ("gguf", {"q4_k": 1152}, 2048)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dtype", "float31"], "--dtype float31: expected auto or one of"),
        (["--device-map", "everywhere"], "--device-map everywhere: expected auto, balanced"),
        (["--device-map", '{"a": true}'], "--device-map: a needs a device"),
        (["--max-memory", "12"], "--max-memory 12: expected JSON such as"),
        (["--max-memory", '{"gpu": "1GiB"}'], "--max-memory: gpu is no device"),
        (["--max-memory", '{"0": "lots"}'], "--max-memory: 0: expected a size with its unit, such as 24GiB, found 'lots'"),
        (["--ram", "32"], "expected a size with its unit, such as 24GiB, found '32'"),
        (["--gpu", "24GiB,x"], "found 'x'"),
        (["--batch", "2"], "--batch: only with --context"),
        (["--context", "0"], "expected a number from 1 on, found '0'"),
    ],
)
def test_options_that_mean_nothing(doctor: Doctor, model: Path, arguments: list[str], message: str) -> None:
    assert_refused(doctor("fit", model, *arguments), message)


def test_models_that_are_none(doctor: Doctor, model: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert_refused(doctor("fit", tmp_path / "pipe"), "a named pipe, not a file")
    assert_refused(doctor("fit", "../../nothing"), "there is no such file or folder")
    assert_refused(doctor("fit", "org/name", variables={"HF_HOME": str(tmp_path)}), "`--online` reads its headers from the hub")
    (model / "model.safetensors").write_bytes((10 * 1024**3).to_bytes(8, "little"))
    assert_refused(doctor("fit", model), "its header would be 10737418240 bytes long")
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": "../../x.bin"}}))
    assert_refused(doctor("fit", model), "names '../../x.bin', which is no file in its folder")


def test_what_cannot_be_told_is_not_guessed(doctor: Doctor, no_torch_stack: Path, model: Path) -> None:
    (model / "model.safetensors").unlink()
    ran = doctor("fit", model, "--python", no_torch_stack)
    assert_refused(ran, "how large it is cannot be told: its files do not say, and the model cannot be built: torch is not installed there")


def test_the_parts_of_a_pipeline_are_named(doctor: Doctor, model: Path, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"model": ["diffusers", "UNet2DConditionModel"]}))
    assert_refused(doctor("fit", tmp_path), f"name one of {model}")


def test_explain_says_where_the_model_goes_here(doctor: Doctor, old_stack: Path, model: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text(
        "Some parameters are on the meta device because they were offloaded to the cpu.\n"
        "RuntimeError: You can't move a model that has some modules offloaded to cpu or disk.\n"
    )
    here = ("--here", "--python", old_stack)
    report = doctor("explain", log, *here, "--model", model, "--format", "json").json
    assert " RAM: " in report["placed"]
    assert_refused(doctor("explain", log, "--model", model), "--model: only with --here")


def assert_refused(ran: Any, message: str) -> None:
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert message in line
