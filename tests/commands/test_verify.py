"""doctor verify, on real environments; and what it refuses in one line."""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor.reports.json import published_schemas
from tests.conftest import Doctor

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 24, "max_position_embeddings": 16, "tie_word_embeddings": False,
}  # fmt: skip
LAYER = "model.layers.0."
SHAPES = {
    "model.embed_tokens.weight": (24, 8), "lm_head.weight": (24, 8), "model.norm.weight": (8,), LAYER + "input_layernorm.weight": (8,),
    LAYER + "post_attention_layernorm.weight": (8,), LAYER + "self_attn.q_proj.weight": (8, 8), LAYER + "self_attn.k_proj.weight": (8, 8),
    LAYER + "self_attn.v_proj.weight": (8, 8), LAYER + "self_attn.o_proj.weight": (8, 8), LAYER + "mlp.gate_proj.weight": (16, 8),
    LAYER + "mlp.up_proj.weight": (16, 8), LAYER + "mlp.down_proj.weight": (8, 16),
}  # fmt: skip
OWN = """
import torch
from torch import nn
from transformers import LlamaForCausalLM


class Own(LlamaForCausalLM):
    def __init__(self, config):
        super().__init__(config)
        self.register_buffer("table", torch.arange(400).float() + 0.5, persistent=False)
        self.post_init()
        kept = [torch.full((400,), 7.75) for _ in range(64)]
        del kept
"""


def saved(folder: Path, shapes: Mapping[str, tuple[int, ...]] = SHAPES, **config: Any) -> Path:
    """A model in a folder, written without torch."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    header, content, numbers = {}, b"", random.Random(7)
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        data = struct.pack(f"<{count}f", *(numbers.gauss(0, 0.02) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(content), len(content) + len(data)]}
        content += data
    head = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + content)
    return folder


def verify(doctor: Doctor, *arguments: object) -> Any:
    ran = doctor("verify", *arguments, "--device", "cpu", "--format", "json")
    assert ran.code != 2, ran.err
    jsonschema.validate(ran.json, json.loads(published_schemas()["inspection.schema.json"]))
    assert ran.json["exit_code"] == ran.code
    return ran.json


def test_a_model_that_is_true_to_its_file_is_said_to_be(doctor: Doctor, old_stack: Path, tmp_path: Path) -> None:
    places = dict.fromkeys(("model.embed_tokens", "model.norm", "lm_head", "model.rotary_emb"), "cpu")
    ran = doctor(
        "verify",
        saved(tmp_path / "model"),
        "--python",
        old_stack,
        "--device",
        "cpu",
        "--device-map",
        json.dumps({**places, "model.layers.0": "disk"}),
    )
    assert ran.code == 0, ran.out
    assert "[ok] All 12 tensors are those of the file, 9 of them offloaded" in " ".join(ran.out.split())


def test_a_silent_fault_of_the_release_is_found_and_named(doctor: Doctor, current_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    shapes = {name: shape for name, shape in SHAPES.items() if name != "lm_head.weight"}
    report = verify(doctor, saved(tmp_path / "model", shapes), "--class", f"{tmp_path / 'own.py'}:Own", "--digests", "--python", current_stack)
    found = {each["kind"]: (each["names"], each["advisories"]) for each in report["inspection"]["faults"]}
    assert found == {"buffer-not-as-built": (["table"], ["MT016", "MT156"]), "fresh": (["lm_head.weight"], found["fresh"][1])}
    assert {each["id"] for each in report["known"]} >= {"MT016"}
    (tmp_path / "one.json").write_text(json.dumps(report))
    report["inspection"]["tensors"][0]["digest"] = "0" * 32
    (tmp_path / "two.json").write_text(json.dumps(report))
    ran = doctor("compare", tmp_path / "one.json", tmp_path / "two.json", "--format", "json")
    jsonschema.validate(ran.json, json.loads(published_schemas()["tensor-comparison.schema.json"]))
    assert ran.code == 1
    assert [each["kind"] for each in ran.json["differences"]] == ["values"]
    assert doctor("compare", tmp_path / "one.json", tmp_path / "one.json").code == 0


def test_what_is_in_a_pickle_is_not_run(doctor: Doctor, old_stack: Path, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    marker = tmp_path / "run"
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch " + os.fsencode(marker) + b"'\ntR.")
    ran = doctor("verify", folder, "--python", old_stack)
    assert ran.code == 2
    assert "pytorch_model.bin: not a file of tensors alone" in ran.err
    assert not marker.exists()


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def cut_short(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])


def with_a_long_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 10 * 1024**3) + b"{}")


def with_an_index_that_leads_outside(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../etc/passwd"}}))


def with_an_index_of_nothing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-00001.safetensors"}}))


def with_a_pipe_for_a_configuration(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


def with_only_code_of_its_own(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"auto_map": {"AutoModel": "modeling_own.Own"}}))
    (folder / "modeling_own.py").write_text("raise SystemExit('it was run')")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_weights, "no weights in it"),
        (cut_short, "cut short"),
        (with_a_long_header, "its header would be 10737418240 bytes long"),
        (with_an_index_that_leads_outside, "which is no file in its folder"),
        (with_an_index_of_nothing, "model-00001.safetensors is not there"),
        (with_a_pipe_for_a_configuration, "a named pipe, not a file"),
        (with_only_code_of_its_own, "--trust-remote-code runs it"),
    ],
)
def test_what_is_no_whole_model_is_refused_in_one_line(
    doctor: Doctor, old_stack: Path, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    folder = saved(tmp_path / "model")
    spoil(folder)
    ran = doctor("verify", folder, "--python", old_stack)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_pipe_in_place_of_a_model_is_not_waited_for(doctor: Doctor, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model")
    ran = doctor("verify", tmp_path / "model")
    assert ran.code == 2
    assert "a named pipe" in ran.err


def test_time_is_bounded(doctor: Doctor, old_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)")
    ran = doctor("verify", saved(tmp_path / "model"), "--python", old_stack, "--class", f"{tmp_path / 'slow.py'}:Own", "--timeout", "2")
    assert ran.code == 2
    assert "within 2 s; --timeout gives it longer" in ran.err
