"""A model's folder or file in, its Checkpoint out: what is stored, from the headers alone. Nothing is unpickled, no code is run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen
from doctor.facts.model import Checkpoint, StorageFormat, StoredFile, StoredTensor
from doctor.files import names_in, opened
from doctor.models.gguf import read_gguf
from doctor.models.json_files import read_object
from doctor.models.safetensors import read_tensors

CONFIG = "config.json"
PIPELINE = "model_index.json"
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")
_FOLDER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")


def read_checkpoint(path: str, named: str | None = None) -> Checkpoint:
    """What is stored in a model's folder, beside a config.json, or in one safetensors or GGUF file.

    `named` is what it was called on the command line, where that is no path. Raises `DoctorError` when it cannot be read, when a file
    that an index names is missing, outside of the folder or without a tensor it should hold, and when a header is false or a file cut short.
    """
    named = named or path
    if os.path.isdir(path):
        return _of_folder(path, named)
    folder, name = os.path.split(path)
    folder = folder or os.curdir
    if name in (CONFIG, PIPELINE):
        read_object(path)  # A pipe of that name is not waited for, and said to be one.
        return _of_folder(folder, named)
    if name.endswith(".gguf"):
        return _of_gguf(folder, (name,), named)
    if name.endswith(".safetensors"):
        beside = os.path.join(folder, CONFIG)
        return _with_config(named, folder, read_object(beside) if os.path.isfile(beside) else {}, _in_safetensors(folder, (name,)))
    if name.endswith(_PICKLED):
        raise DoctorError(f"{path}: a pickle, which runs code when it is opened, so doctor does not: name the folder with its {CONFIG}")
    return _with_config(named, folder, read_object(path), _Weights("none"))


def read_weights(path: str, named: str | None = None) -> Checkpoint:
    """The weights alone, for a model that is loaded already: of a folder, with a configuration or without, or one file, a pickled one too.

    What a pickled file holds is not looked at. Raises `DoctorError` as `read_checkpoint` does, and where there are no weights.
    """
    named = named or path
    if not os.path.isdir(path):
        folder, name = os.path.split(path)
        if name.endswith(_PICKLED):
            return Checkpoint(named, folder or os.curdir, "bin", files=_stored_files(folder, (name,)))
        return read_checkpoint(path, named)
    weights = _weights(path)
    if weights.format == "none":
        found = tuple(each for each in names_in(Path(path)) if each.endswith(".safetensors"))
        pickled = tuple(each for each in names_in(Path(path)) if each.endswith(_PICKLED))
        if not found and not pickled:
            raise DoctorError(f"{path}: there are no weights in it: no safetensors file and no .bin")
        weights = _in_safetensors(path, found) if found else _Weights("bin", _stored_files(path, pickled))
    return Checkpoint(named, path, weights.format, files=weights.files, tensors=weights.tensors, names=weights.names)


class _Weights(Frozen):
    """What of a checkpoint its files say."""

    format: StorageFormat
    files: tuple[StoredFile, ...] = ()
    tensors: tuple[StoredTensor, ...] | None = None
    names: tuple[str, ...] | None = None


def _of_folder(folder: str, named: str) -> Checkpoint:
    if os.path.lexists(os.path.join(folder, PIPELINE)):
        return Checkpoint(named, folder, "none", read_object(os.path.join(folder, PIPELINE)), parts=tuple(_parts(folder)))
    if not os.path.lexists(os.path.join(folder, CONFIG)):
        ggufs = tuple(each for each in names_in(Path(folder)) if each.endswith(".gguf"))
        if ggufs:
            return _of_gguf(folder, ggufs, named)
        adapter = os.path.join(folder, "adapter_config.json")
        if os.path.isfile(adapter):
            base = read_object(adapter).get("base_model_name_or_path")
            raise DoctorError(f"{folder}: an adapter, no model; name the model it is for{f': {base}' if isinstance(base, str) else ''}")
    return _with_config(named, folder, read_object(os.path.join(folder, CONFIG)), _weights(folder))


def _with_config(named: str, folder: str, config: Mapping[str, Any], weights: _Weights) -> Checkpoint:
    return Checkpoint(named, folder, weights.format, config, weights.files, weights.tensors, weights.names, own_code(config, folder))


def _of_gguf(folder: str, names: tuple[str, ...], named: str) -> Checkpoint:
    tensors = tuple(tensor for each in names for tensor in read_gguf(os.path.join(folder, each), each).tensors)
    return Checkpoint(named, folder, "gguf", {}, _stored_files(folder, names), tensors, tuple(each.name for each in tensors))


def _weights(folder: str) -> _Weights:
    """The weights that from_pretrained takes in a folder: the first of these names that is there."""
    for stem in ("model", "diffusion_pytorch_model"):
        file, index = f"{stem}.safetensors", f"{stem}.safetensors.index.json"
        if os.path.lexists(os.path.join(folder, file)):
            return _in_safetensors(folder, (file,))
        if os.path.lexists(os.path.join(folder, index)):
            return _in_safetensors(folder, (), index)
    for stem in ("pytorch_model", "diffusion_pytorch_model"):
        file, index = f"{stem}.bin", f"{stem}.bin.index.json"
        if os.path.lexists(os.path.join(folder, file)):
            return _Weights("bin", _stored_files(folder, (file,)))
        if os.path.lexists(os.path.join(folder, index)):
            weight_map = _weight_map(folder, index)
            return _Weights("bin", _stored_files(folder, sorted(set(weight_map.values()))), None, tuple(weight_map))
    return _Weights("none")


def _in_safetensors(folder: str, names: Sequence[str], index: str | None = None) -> _Weights:
    weight_map = _weight_map(folder, index) if index is not None else None
    names = sorted(set(weight_map.values())) if weight_map is not None else names
    tensors = tuple(tensor for each in names for tensor in read_tensors(os.path.join(folder, each), each))
    if weight_map is not None and index is not None:
        tensors = as_indexed(os.path.join(folder, index), weight_map, tensors)
    return _Weights("safetensors", _stored_files(folder, names), tensors, tuple(each.name for each in tensors))


def own_code(config: Mapping[str, Any], folder: str) -> tuple[str, ...]:
    """The files in the folder that `auto_map` names: `modeling_x.Model`, or `other/repository--modeling_x.Model`, which is elsewhere."""
    auto_map = config.get("auto_map")
    named = [each for value in auto_map.values() for each in (value if isinstance(value, list) else [value])] if isinstance(auto_map, dict) else []
    modules = dict.fromkeys(each.partition(".")[0] for each in named if isinstance(each, str) and "--" not in each)
    files = (os.path.join(folder, f"{module}.py") for module in modules if module.isidentifier())
    return tuple(each for each in files if os.path.isfile(each))


def _parts(folder: str) -> Iterator[str]:
    """The folders of a pipeline's models: its model_index.json gives each a pair of library and class."""
    for name, value in read_object(os.path.join(folder, PIPELINE)).items():
        is_pair = isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) for each in value)
        if not name.startswith("_") and is_pair:
            if not _FOLDER_NAME.fullmatch(name):
                raise DoctorError(f"{os.path.join(folder, PIPELINE)}: {name!r} is no name of a part's folder")
            if os.path.isfile(os.path.join(folder, name, CONFIG)):
                yield name


def _weight_map(folder: str, index: str) -> dict[str, str]:
    """Which file each tensor is in. Raises `DoctorError` for a name that leads out of the folder, and for files that are not there."""
    path = os.path.join(folder, index)
    weight_map = weight_map_in(path, read_object(path))
    files = sorted(set(weight_map.values()))
    missing = [each for each in files if not os.path.lexists(os.path.join(folder, each))]
    if missing:
        raise DoctorError(
            f"{path}: {missing[0]} is not there{f', nor are {len(missing) - 1} others' if missing[1:] else ''}; download the model again"
        )
    return weight_map


def weight_map_in(path: str, index: Mapping[str, Any]) -> dict[str, str]:
    """Which file each tensor is in, by an index read from `path`. Raises `DoctorError` for a name that leads out of its folder."""
    weight_map = index.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map or not all(isinstance(each, str) for each in weight_map.values()):
        raise DoctorError(f"{path}: needs a `weight_map` from the names of tensors to those of files")
    outside = next((each for each in weight_map.values() if not _is_inside(each)), None)
    if outside is not None:
        raise DoctorError(f"{path}: names {outside!r}, which is no file in its folder")
    return weight_map


def as_indexed(path: str, weight_map: Mapping[str, str], tensors: tuple[StoredTensor, ...]) -> tuple[StoredTensor, ...]:
    """The tensors that the index names, each from its file: what else lies in the files is not the model's."""
    held = {(each.name, each.file): each for each in tensors}
    lacking = next(((name, file) for name, file in weight_map.items() if (name, file) not in held), None)
    if lacking is not None:
        raise DoctorError(f"{path}: places {lacking[0]} in {lacking[1]}, whose header does not have it")
    return tuple(each for each in tensors if weight_map.get(each.name) == each.file)


def _is_inside(name: str) -> bool:
    """Whether a file's name leads from its folder to a place in it, whatever system reads it."""
    parts = re.split(r"[/\\]", name)
    return not any(each in ("", ".", "..") or "\0" in each or ":" in each for each in parts)


def _stored_files(folder: str, names: Iterable[str]) -> tuple[StoredFile, ...]:
    return tuple(StoredFile(each, _size(os.path.join(folder, each))) for each in names)


def _size(path: str) -> int:
    try:
        with opened(Path(path)) as (_, size):
            return size
    except OSError as error:
        raise DoctorError(f"{path}: cannot be read: {error.strerror}") from None
