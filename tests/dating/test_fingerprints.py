"""The reader of fingerprint indexes."""

from __future__ import annotations

import json
import zipfile
from array import array
from pathlib import Path

import pytest

from doctor.dating import date_frames, fingerprints
from doctor.dating.fingerprints import FileState, Index, covered_distributions, covered_releases, decoded, index_folder, index_of, line_hash
from doctor.errors import DoctorError
from doctor.facts.symptom import Frame
from doctor.knowledge.releases import known_releases

METHOD_IN_CLASS = FileState(("A", "outer", "inner", "last"), (2, 3, 5, 12), (9, 8, 6, 14), array("H", [1] * 14))


@pytest.mark.parametrize(
    ("line", "name"), [(1, None), (2, "A"), (3, "outer"), (5, "inner"), (7, "outer"), (9, "A"), (10, None), (14, "last"), (15, None)]
)
def test_the_innermost_function_has_the_line(line: int, name: str | None) -> None:
    assert METHOD_IN_CLASS.function_at(line) == name


@pytest.mark.parametrize("line", [0, -1, 15, 10**30])
def test_a_line_outside_the_file_has_no_hash(line: int) -> None:
    assert METHOD_IN_CLASS.hash_at(line) is None


def test_what_markdown_and_terminals_take_away_changes_no_hash() -> None:
    assert line_hash("    self.__init__(*args, **kwargs)") == line_hash("self.init(args, kwargs)")
    assert line_hash("\tx = `y`") == line_hash("x=y")
    assert line_hash("   ") == 0
    assert line_hash("return t.to(device)") != line_hash("return t.to(devices)")


def test_a_line_that_lost_its_end_keeps_the_high_byte_of_its_hash() -> None:
    whole = "return t.to(device, dtype if t.is_floating_point() or t.is_complex() else None, non_blocking)"
    assert line_hash(whole[:60]) >> 8 == line_hash(whole) >> 8
    assert line_hash(whole[:60]) != line_hash(whole)


@pytest.mark.parametrize(
    "content",
    [b"\x00", b"\x00\x00\x00\x00", b"\x00\x00\x05\x00", b"\x09\x00\xff\xff", b"\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00", b"\xff" * 50],
    ids=["short", "no state", "unknown state", "beyond the releases", "cut off", "noise"],
)
def test_bytes_that_are_no_history_are_refused(content: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as index:
        index.writestr("releases", json.dumps(["1.0", "1.1"]))
        index.writestr("x/a.py", content)
    with pytest.raises(DoctorError, match=r"x\.zip: x/a\.py: not a fingerprint index"):
        Index(tmp_path / "x.zip").history("x/a.py")


def test_a_damaged_index_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "torch.zip"
    file.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DoctorError, match=r"torch\.zip: not a fingerprint index"):
        Index(file)


def test_damage_inside_a_member_is_refused_by_name(tmp_path: Path) -> None:
    content = bytearray((index_folder() / "safetensors.zip").read_bytes())
    with zipfile.ZipFile(index_folder() / "safetensors.zip") as index:
        start = index.getinfo("safetensors/torch.py").header_offset + 30 + len("safetensors/torch.py")
    content[start + 20 : start + 60] = bytes(40)
    (tmp_path / "safetensors.zip").write_bytes(content)
    with pytest.raises(DoctorError, match=r"safetensors\.zip: safetensors/torch\.py: not a fingerprint index"):
        Index(tmp_path / "safetensors.zip").history("safetensors/torch.py")


def test_an_empty_history_is_of_a_file_no_release_has() -> None:
    assert decoded(b"", 2).by_release == (None, None)


def test_the_indexes_cover_what_the_matrix_knows_releases_of() -> None:
    releases = known_releases()
    assert {"torch", "transformers", "accelerate", "peft", "diffusers", "sentence-transformers"} <= covered_distributions()
    for distribution, floor in (("torch", "1.13.0"), ("transformers", "4.20.0"), ("accelerate", "0.15.0")):
        known = [str(each.version) for each in releases[distribution]]
        assert set(known[known.index(floor) :]) <= set(index_of(distribution).releases)


def test_releases_outside_the_index_are_known_to_be() -> None:
    assert "4.46.3" in covered_releases("transformers")
    assert "4.50.0.dev0" not in covered_releases("transformers")
    assert covered_releases("numpy") == ()


def test_a_python_without_lzma_dates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "can_read_indexes", lambda: False)
    covered_distributions.cache_clear()
    try:
        assert date_frames([Frame("transformers/modeling_utils.py", 4343, "to")]) == ()
    finally:
        covered_distributions.cache_clear()


def test_all_indexes_together_are_small() -> None:
    assert sum(file.stat().st_size for file in index_folder().glob("*.zip")) < 3 * 1024 * 1024
