"""What a model's folder says of the words that a program alone does not show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from doctor.models.checkpoint import read_model


def folder(path: Path, config: Mapping[str, object], names: Sequence[str] = ()) -> str:
    """A model with this configuration, and with tensors of these names where there are any."""
    (path / "config.json").write_text(json.dumps(config))
    if names:
        header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * n, 4 * n + 4]} for n, name in enumerate(names)}).encode()
        (path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4 * len(names)))
    return str(path)


@pytest.mark.parametrize(
    ("config", "holds", "lacks"),
    [
        ({"model_type": "mixtral", "num_local_experts": 8}, {"experts"}, {"state-space"}),
        ({"model_type": "llama"}, set(), {"experts", "state-space"}),
        ({"model_type": "falcon_h1"}, {"state-space"}, {"experts"}),
        ({"layer_types": ["linear_attention", "full_attention"]}, {"linear-attention"}, set()),
        ({"layer_types": ["full_attention"]}, set(), {"linear-attention"}),
        ({"text_config": {"num_experts": 4, "layer_types": ["linear_attention"]}}, {"experts", "linear-attention"}, set()),
    ],
)
def test_the_configuration_tells_kinds_of_layers(tmp_path: Path, config: Mapping[str, object], holds: set[str], lacks: set[str]) -> None:
    model = read_model(folder(tmp_path, config))
    assert holds <= model.holds
    assert lacks <= model.lacks


@pytest.mark.parametrize(
    ("names", "prefixed"),
    [
        (("module.lm_head.weight", "module.model.norm.weight"), True),
        (("_orig_mod.lm_head.weight",), True),
        (("base_model.model.lm_head.weight",), True),
        (("lm_head.weight", "module.model.norm.weight"), False),
    ],
)
def test_names_tell_the_wrapper_they_were_saved_from(tmp_path: Path, names: Sequence[str], prefixed: bool) -> None:
    model = read_model(folder(tmp_path, {}, names))
    assert ("prefixed-names" in model.holds, "prefixed-names" in model.lacks) == (prefixed, not prefixed)


def test_the_name_of_the_embedding_is_looked_at(tmp_path: Path) -> None:
    assert "singular-embedding" in read_model(folder(tmp_path, {}, ["backbone.embedding.weight"])).holds
    assert "singular-embedding" in read_model(folder(tmp_path, {}, ["backbone.embeddings.weight"])).lacks


@pytest.mark.parametrize(
    ("names", "holds"),
    [
        (("lm_head.weight", "model.embed_tokens.weight"), True),
        (("model.embed_tokens.weight",), False),
    ],
)
def test_both_names_of_a_tied_pair_are_seen(tmp_path: Path, names: Sequence[str], holds: bool) -> None:
    model = read_model(folder(tmp_path, {"tie_word_embeddings": True}, names))
    assert ("tied-in-file-twice" in model.holds, "tied-in-file-twice" in model.lacks) == (holds, not holds)


def test_a_bin_file_holds_both_names_of_a_tied_pair(tmp_path: Path) -> None:
    path = folder(tmp_path, {"tie_word_embeddings": True})
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    assert "tied-in-file-twice" in read_model(path).holds
