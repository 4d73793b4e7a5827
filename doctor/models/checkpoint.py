"""A model's folder or config.json in, a Model out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.model import Model
from doctor.files import read_beginning, read_file

_MOST_BYTES = 32 * 1024 * 1024
"""Of a configuration, an index or the header of a safetensors file."""
_HEADS = ("lm_head.weight", "output.weight", "embed_out.weight")
_EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "shared.weight", "embed_in.weight")


def read_model(path: str) -> Model:
    """What the model in a folder, or the configuration in a file, says of itself.

    Raises `DoctorError` when there is no configuration, or it cannot be read.
    """
    folder, file = (path, os.path.join(path, "config.json")) if os.path.isdir(path) else (os.path.dirname(path) or ".", path)
    config = _object(file)
    text = config.get("text_config")
    said = {**(text if isinstance(text, dict) else {}), **config}
    answers: dict[str, bool] = {}
    if isinstance(said.get("tie_word_embeddings"), bool):
        answers["tied"] = said["tie_word_embeddings"]
    rope = said.get("rope_scaling") or said.get("rope_parameters")
    answers["llama3-rope"] = isinstance(rope, dict) and "llama3" in (rope.get("rope_type"), rope.get("type"))
    names = _names_of_tensors(folder)
    if names is not None:
        head, embedding = _has(names, _HEADS), _has(names, _EMBEDDINGS)
        answers["tied-in-file-once"] = bool(answers.get("tied", head != embedding)) and head != embedding
        answers["tied-as-head-only"] = bool(answers.get("tied", True)) and head and not embedding
    kinds = _kinds_of_files(folder)
    if kinds:
        answers["bin-checkpoint"] = kinds == {"bin"}
    architectures = config.get("architectures")
    return Model(
        path,
        tuple(each for each in architectures if isinstance(each, str)) if isinstance(architectures, list) else (),
        frozenset(word for word, answer in answers.items() if answer),
        frozenset(word for word, answer in answers.items() if not answer),
        tuple(_own_code(config, folder)),
    )


def _has(names: Iterable[str], endings: tuple[str, ...]) -> bool:
    return any(name.endswith(endings) for name in names)


def _own_code(config: Mapping[str, Any], folder: str) -> Iterable[str]:
    """The files in the folder that `auto_map` names: `modeling_x.Model`, or `other/repository--modeling_x.Model`, which is elsewhere."""
    auto_map = config.get("auto_map")
    named = [each for value in auto_map.values() for each in (value if isinstance(value, list) else [value])] if isinstance(auto_map, dict) else []
    modules = dict.fromkeys(each.partition(".")[0] for each in named if isinstance(each, str) and "--" not in each)
    files = (os.path.join(folder, f"{module}.py") for module in modules if module.isidentifier())
    return [each for each in files if os.path.isfile(each)]


def _kinds_of_files(folder: str) -> set[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return set()
    return {kind for kind, ending in (("safetensors", ".safetensors"), ("bin", ".bin")) if any(name.endswith(ending) for name in names)}


def _names_of_tensors(folder: str) -> list[str] | None:
    """The names of the tensors in the checkpoint, by its index or its header; None when neither can be had without reading weights."""
    for index in ("model.safetensors.index.json", "pytorch_model.bin.index.json"):
        path = os.path.join(folder, index)
        if os.path.isfile(path):
            weights = _object(path).get("weight_map")
            return [str(each) for each in weights] if isinstance(weights, dict) else None
    path = os.path.join(folder, "model.safetensors")
    return [name for name in _header(path) if name != "__metadata__"] if os.path.isfile(path) else None


def _header(path: str) -> Mapping[str, Any]:
    """The header of a safetensors file: its length in eight bytes, then JSON (https://github.com/huggingface/safetensors#format)."""
    head = _bytes(read_beginning, path, 8)
    length = int.from_bytes(head, "little")
    if len(head) < 8 or length > _MOST_BYTES:
        raise DoctorError(f"{path}: not a safetensors file, or cut short: its header would be {length} bytes long")
    return _parsed(path, _bytes(read_beginning, path, 8 + length)[8:])


def _object(path: str) -> Mapping[str, Any]:
    return _parsed(path, _bytes(read_file, path, _MOST_BYTES))


def _parsed(path: str, content: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise DoctorError(f"{path}: not JSON, or cut short") from None
    if not isinstance(data, dict):
        raise DoctorError(f"{path}: expected a JSON object")
    return data


def _bytes(read: Callable[[Path, int], bytes], path: str, most: int) -> bytes:
    try:
        return read(Path(path), most)
    except OSError as error:
        raise DoctorError(f"{path}: cannot be read: {error.strerror}") from None
