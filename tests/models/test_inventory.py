"""What lies in a model's folder, and files that lie about it: one line each, before anything is done with them."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from doctor.errors import DoctorError
from doctor.models.inventory import read_checkpoint
from doctor.models.locate import NotHere, locate_model

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}


def safetensors(described: dict[str, Any], data: int) -> bytes:
    header = json.dumps(described).encode()
    return len(header).to_bytes(8, "little") + header + bytes(data)


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def gguf(tensors: list[tuple[str, tuple[int, ...], int, int]], keys: bytes = b"", pairs: int = 0, data: int = 0) -> bytes:
    described = b"".join(
        struct.pack("<Q", len(name)) + name.encode() + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        for name, shape, kind, offset in tensors
    )
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), pairs) + keys + described
    return head + bytes(-len(head) % 32) + bytes(data)


def text_key(name: str, value: str) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<IQ", 8, len(value)) + value.encode()


ONE = safetensors({"a.weight": entry("BF16", [2, 3], 0, 12), "b": entry("F32", [], 12, 16), "__metadata__": {"format": "pt"}}, 16)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


def index(folder: Path, name: str, weight_map: Any) -> None:
    (folder / name).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def test_one_file(model: Path) -> None:
    (model / "model.safetensors").write_bytes(ONE)
    for path in (model, model / "config.json", model / "model.safetensors"):
        found = read_checkpoint(str(path))
        assert (found.format, found.config, found.bytes, found.names) == ("safetensors", CONFIG, 16, ("a.weight", "b"))
        assert found.tensors is not None
        first, second = found.tensors
        assert (first.dtype, first.shape, first.elements, first.bytes, first.offset) == ("BF16", (2, 3), 6, 12, len(ONE) - 16)
        assert (second.elements, second.offset) == (1, len(ONE) - 4)


def test_several_files_hold_what_their_index_says_and_no_more(model: Path) -> None:
    (model / "one.safetensors").write_bytes(ONE)
    (model / "two.safetensors").write_bytes(safetensors({"c": entry("F8_E4M3", [5], 0, 5)}, 5))
    index(model, "model.safetensors.index.json", {"a.weight": "one.safetensors", "c": "two.safetensors"})
    found = read_checkpoint(str(model))
    assert (found.names, found.bytes, [each.name for each in found.files]) == (("a.weight", "c"), 17, ["one.safetensors", "two.safetensors"])


def test_pickles_are_named_and_not_opened(model: Path) -> None:
    (model / "pytorch_model-1.bin").write_bytes(b"no pickle at all")
    index(model, "pytorch_model.bin.index.json", {"a": "pytorch_model-1.bin", "b": "pytorch_model-1.bin"})
    found = read_checkpoint(str(model))
    assert (found.format, found.tensors, found.names, found.bytes) == ("bin", None, ("a", "b"), 16)
    with pytest.raises(DoctorError, match=r"a pickle, which runs code when it is opened"):
        read_checkpoint(str(model / "pytorch_model-1.bin"))


def test_a_configuration_alone(model: Path) -> None:
    found = read_checkpoint(str(model))
    assert (found.format, found.bytes, found.tensors, found.names) == ("none", None, None, None)


def test_a_pipeline_has_parts(tmp_path: Path) -> None:
    listed = {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "DDIM"],
        "safety": [None, None],
    }
    (tmp_path / "model_index.json").write_text(json.dumps(listed))
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text("{}")
    assert read_checkpoint(str(tmp_path)).parts == ("unet",)
    (tmp_path / "model_index.json").write_text(json.dumps({"../unet": ["a", "b"]}))
    with pytest.raises(DoctorError, match=r"'../unet' is no name of a part's folder"):
        read_checkpoint(str(tmp_path))


def test_gguf(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    keys = text_key("general.architecture", "llama") + text_key("llama.long", "x" * 5000)
    file.write_bytes(gguf([("token_embd.weight", (256, 4), 12, 0), ("norm", (8,), 0, 576)], keys, 2, 576 + 32))
    found = read_checkpoint(str(file))
    assert found.tensors is not None
    assert [(each.dtype, each.shape, each.bytes) for each in found.tensors] == [("Q4_K", (4, 256), 576), ("F32", (8,), 32)]
    assert found.tensors[1].offset + 32 == file.stat().st_size
    assert read_checkpoint(str(tmp_path)).bytes == 608


def test_the_newest_types_of_gguf_have_their_size(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(gguf([("nvfp4", (128,), 40, 0), ("q1_0", (256,), 41, 96)], data=96 + 36))
    assert [(each.dtype, each.bytes) for each in read_checkpoint(str(file)).tensors or ()] == [("NVFP4", 72), ("Q1_0", 36)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its header would be 0 bytes long"),
        ((10 * 1024**3).to_bytes(8, "little") + b"{}", "its header would be 10737418240 bytes long"),
        (ONE[:-1], f"cut short: {len(ONE) - 1} bytes of {len(ONE)}; download it again"),
        (ONE[:40], "not JSON, or cut short"),
        (ONE + b"x", f"its header is wrong: it describes {len(ONE)} bytes of {len(ONE) + 1}"),
        (safetensors({"a": entry("F32", [4], 0, 4)}, 4), "a, F32 [4], takes 16 bytes and is given 4"),
        (safetensors({"a": entry("F32", [2**40, 2**40], 0, 4)}, 4), "takes 4835703278458516698824704 bytes and is given 4"),
        (safetensors({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 0, 4)}, 4), "b should begin at byte"),
        (safetensors({"a": entry("F32", [1], 4, 8)}, 8), "a should begin at byte"),
        (safetensors({"a": entry("F32", [-1], 0, 4)}, 4), "a needs a dtype, a shape and two data_offsets"),
        (safetensors({"a": entry("F32", [True], 0, 4)}, 4), "a needs a dtype, a shape and two data_offsets"),
        (safetensors({"a": []}, 0), "a needs a dtype, a shape and two data_offsets"),
        (safetensors({"a": entry("F7", [1], 0, 4)}, 4), "a has the dtype F7, which doctor does not know"),
        (safetensors({"a": entry("F4", [1], 0, 0)}, 0), "a, F4 [1], takes"),
        (b"\2\0\0\0\0\0\0\0[]", "expected a JSON object"),
    ],
)
def test_a_safetensors_file_that_is_false(model: Path, content: bytes, message: str) -> None:
    file = model / "model.safetensors"
    file.write_bytes(content)
    assert_refused(model, f"{file}: ", message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GGU", "not a GGUF file"),
        (b"GGUF" + bytes(20), "GGUF of version 0"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "1152921504606846976 tensors and 0 keys do not go into 24 bytes"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QI", 2**40, 8) + bytes(8), "1099511627776 bytes long, for which there is no room"),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QcIIQ", 1, b"a", 9, 8, 2**50),
            "1125899906842624 strings, for which there is no room",
        ),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QcIIQ", 1, b"a", 9, 9, 1), "an array of kind 9"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QcI", 1, b"a", 77) + bytes(8), "a value of kind 77"),
        (gguf([("a", (4,), 0, 0)], data=15), "cut short: "),
        (gguf([("a", (4,), 99, 0)], data=16), "a has the type 99, which doctor does not know"),
        (gguf([("a", (5,), 12, 0)], data=16), "a, Q4_K [5], is no whole number of blocks"),
    ],
)
def test_a_gguf_file_that_is_false(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(content)
    assert_refused(file, f"{file}: ", message)


@pytest.mark.parametrize(
    ("weight_map", "message"),
    [
        ({"a.weight": "../../etc/passwd"}, "names '../../etc/passwd', which is no file in its folder"),
        ({"a.weight": "/etc/passwd"}, "names '/etc/passwd'"),
        ({"a.weight": "..\\x.safetensors"}, "which is no file in its folder"),
        ({"a.weight": "C:x.safetensors"}, "names 'C:x.safetensors'"),
        ({"a.weight": "gone.safetensors", "b": "too.safetensors"}, "gone.safetensors is not there, nor are 1 others; download the model again"),
        ({"z": "one.safetensors"}, "places z in one.safetensors, whose header does not have it"),
        ({"z": 1}, "needs a `weight_map`"),
        ([], "needs a `weight_map`"),
    ],
)
def test_an_index_that_is_false(model: Path, weight_map: Any, message: str) -> None:
    (model / "one.safetensors").write_bytes(ONE)
    index(model, "model.safetensors.index.json", weight_map)
    assert_refused(model, f"{model / 'model.safetensors.index.json'}: ", message)


def test_pipes_are_not_waited_for(model: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert_refused(pipe, f"{pipe}: ", "cannot be read: a named pipe, not a file")
    os.mkfifo(model / "model.safetensors")
    assert_refused(model, f"{model / 'model.safetensors'}: ", "cannot be read: a named pipe, not a file")
    (model / "config.json").unlink()
    os.mkfifo(model / "config.json")
    assert_refused(model / "config.json", f"{model / 'config.json'}: ", "cannot be read: a named pipe, not a file")


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    assert_refused(tmp_path, f"{tmp_path}: ", "an adapter, no model; name the model it is for: org/base")


def test_the_cache_of_the_hub(tmp_path: Path) -> None:
    repository = tmp_path / "models--org--name"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    variables = {"HF_HUB_CACHE": str(tmp_path)}
    assert locate_model("org/name", variables) == str(snapshot)
    (repository / "snapshots" / ("b" * 40)).mkdir()
    with pytest.raises(NotHere, match="2 revisions, none of which is `main`"):
        locate_model("org/name", variables)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    assert locate_model("org/name", variables) == str(snapshot)
    with pytest.raises(NotHere, match=r"org/other: neither a file or folder here nor in the hub's cache .*`--online` reads its headers"):
        locate_model("org/other", variables)
    assert locate_model("org/name", {"HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path)}) == str(snapshot)
    with pytest.raises(DoctorError, match=r"no such file or folder, and it is no id"):
        locate_model("../../x", variables)


def assert_refused(path: Path, where: str, message: str) -> None:
    with pytest.raises(DoctorError) as refused:
        read_checkpoint(str(path))
    (line,) = refused.value.lines
    assert line.startswith(where)
    assert message in line
