"""A model's folder or config.json in, a Model out."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from doctor.facts.model import Model
from doctor.models.inventory import own_code
from doctor.models.json_files import read_object
from doctor.models.safetensors import read_tensors

_HEADS = ("lm_head.weight", "output.weight", "embed_out.weight")
_EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "shared.weight", "embed_in.weight")
_WRAPPERS = ("module.", "_orig_mod.", "base_model.model.")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_STATE_SPACE = ("mamba", "mamba2", "falcon_mamba", "falcon_h1", "bamba", "jamba", "zamba", "zamba2", "granitemoehybrid", "nemotron_h")


def read_model(path: str) -> Model:
    """What the model in a folder, or the configuration in a file, says of itself.

    Raises `DoctorError` when there is no configuration, or it cannot be read.
    """
    folder, file = (path, os.path.join(path, "config.json")) if os.path.isdir(path) else (os.path.dirname(path) or ".", path)
    config = read_object(file)
    text = config.get("text_config")
    said = {**(text if isinstance(text, dict) else {}), **config}
    answers: dict[str, bool] = {}
    if isinstance(said.get("tie_word_embeddings"), bool):
        answers["tied"] = said["tie_word_embeddings"]
    rope = said.get("rope_scaling") or said.get("rope_parameters")
    answers["llama3-rope"] = isinstance(rope, dict) and "llama3" in (rope.get("rope_type"), rope.get("type"))
    kinds_of_layers = said.get("layer_types")
    if isinstance(kinds_of_layers, list):
        answers["linear-attention"] = "linear_attention" in kinds_of_layers
    if isinstance(said.get("model_type"), str):
        answers["state-space"] = said["model_type"] in _STATE_SPACE
    counts = [said[key] for key in _EXPERTS if isinstance(said.get(key), int)]
    answers["experts"] = any(count > 1 for count in counts)
    names = _names_of_tensors(folder)
    if names is not None:
        answers["prefixed-names"] = bool(names) and all(name.startswith(_WRAPPERS) for name in names)
        answers["singular-embedding"] = "backbone.embedding.weight" in names
        head, embedding = _has(names, _HEADS), _has(names, _EMBEDDINGS)
        answers["tied-in-file-once"] = bool(answers.get("tied", head != embedding)) and head != embedding
        answers["tied-in-file-twice"] = bool(answers.get("tied")) and head and embedding
        answers["tied-as-head-only"] = bool(answers.get("tied", True)) and head and not embedding
    kinds = _kinds_of_files(folder)
    if kinds:
        answers["bin-checkpoint"] = kinds == {"bin"}
        if kinds == {"bin"} and "tied" in answers:
            answers["tied-in-file-twice"] = answers["tied"]
    architectures = config.get("architectures")
    return Model(
        path,
        tuple(each for each in architectures if isinstance(each, str)) if isinstance(architectures, list) else (),
        frozenset(word for word, answer in answers.items() if answer),
        frozenset(word for word, answer in answers.items() if not answer),
        own_code(config, folder),
    )


def _has(names: Iterable[str], endings: tuple[str, ...]) -> bool:
    return any(name.endswith(endings) for name in names)


def _kinds_of_files(folder: str) -> set[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return set()
    return {kind for kind, ending in (("safetensors", ".safetensors"), ("bin", ".bin")) if any(name.endswith(ending) for name in names)}


def _names_of_tensors(folder: str) -> Collection[str] | None:
    """The names of the tensors in the checkpoint, by its index or its header; None when neither can be had without reading weights."""
    for index in ("model.safetensors.index.json", "pytorch_model.bin.index.json"):
        path = os.path.join(folder, index)
        if os.path.isfile(path):
            weights = read_object(path).get("weight_map")
            return [str(each) for each in weights] if isinstance(weights, dict) else None
    path = os.path.join(folder, "model.safetensors")
    return [each.name for each in read_tensors(path, "model.safetensors")] if os.path.isfile(path) else None
