"""The writer of fingerprint indexes: tools/fingerprint_index.py, and what is selected in tools/fingerprint_files.py."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from doctor.dating.fingerprints import Index, decoded, index_folder, line_hash
from doctor.dating.inference import Sighting, date_sightings
from tools.fingerprint_files import SELECTIONS, Selection
from tools.fingerprint_index import States, encoded, read_index, state_of, write_index

SOURCE = b'''\
import os


@decorated(
    with_an_argument=lambda x: x,
)
class A:
    """Text."""

    def outer(
        self,
        default=1,
    ):
        async def inner():
            return secret_name

        return inner


def last(): return 2
'''
LATER = SOURCE.replace(b"import os\n", b"import os\nimport re\n")


def test_a_fingerprint_has_bodies_and_a_hash_of_each_line() -> None:
    state = state_of(SOURCE)
    assert state.names == ("A", "outer", "inner", "last")
    assert (state.starts, state.ends) == ((8, 14, 15, 20), (17, 17, 15, 20))
    assert len(state.hashes) == 20
    assert state.hashes[14] == line_hash("return secret_name")
    assert [state.function_at(line) for line in (1, 8, 12, 14, 15, 17, 18, 20)] == [None, "A", "A", "outer", "inner", "outer", None, "last"]


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    assert state_of(SOURCE.replace(b"\n", b"\r\n")) == state_of(SOURCE)
    assert state_of(b"\xef\xbb\xbf" + SOURCE) == state_of(SOURCE)
    assert len(state_of(b"x = 1\n\x0cy = '\xe2\x80\xa8'\n").hashes) == 2  # Python counts line feeds, not page breaks


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written: dict[str, States] = {"1.10": {"x/a.py": state_of(LATER), "x/b.py": state_of(SOURCE)}, "1.2": {"x/a.py": state_of(SOURCE)}, "1.11": {}}
    write_index(tmp_path / "x.zip", written)
    assert Index(tmp_path / "x.zip").releases == ("1.2", "1.10", "1.11")
    assert read_index(tmp_path / "x.zip") == written
    assert read_index(tmp_path / "absent.zip") == {}


def test_adding_a_release_gives_the_same_bytes_as_reading_all_again(tmp_path: Path) -> None:
    all_at_once, step_by_step = tmp_path / "all.zip", tmp_path / "steps.zip"
    everything = {"1.0": {"x/a.py": state_of(SOURCE)}, "1.1": {"x/a.py": state_of(LATER)}, "1.2": {"x/a.py": state_of(SOURCE)}}
    write_index(all_at_once, everything)
    for count in (2, 3):
        write_index(step_by_step, {**read_index(step_by_step), **dict(list(everything.items())[:count])})
    assert step_by_step.read_bytes() == all_at_once.read_bytes()


def test_a_release_that_changes_nothing_adds_nothing_and_one_that_does_appends() -> None:
    one, two = state_of(SOURCE), state_of(LATER)
    assert encoded([one, one]) == encoded([one])
    assert encoded([one, two]).startswith(encoded([one]))
    assert len(encoded([one, two, one])) == len(encoded([one, two])) + 4


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([None, SOURCE, LATER, b"", b"def f():\n  pass\n"]), max_size=8))
def test_any_history_is_read_back(contents: list[bytes | None]) -> None:
    states = [None if each is None else state_of(each) for each in contents]
    history = decoded(encoded(states), len(states))
    assert [None if each is None else history.states[each] for each in history.by_release] == states


def test_no_source_text_is_kept(tmp_path: Path) -> None:
    write_index(tmp_path / "x.zip", {"1.0": {"x/a.py": state_of(SOURCE)}})
    with zipfile.ZipFile(tmp_path / "x.zip") as index:
        content = index.read("x/a.py")
    assert b"outer" in content  # a function's name is a fact
    assert b"secret_name" not in content
    assert b"Text" not in content


def test_a_new_release_is_told_from_the_one_before(tmp_path: Path) -> None:
    write_index(tmp_path / "x.zip", {"1.0": {"x/a.py": state_of(SOURCE)}, "1.1": {"x/a.py": state_of(LATER)}})
    dating = date_sightings("x", Index(tmp_path / "x.zip"), [Sighting("x/a.py", 16, "inner", line_hash("return secret_name"))])
    assert dating.candidates == ("1.1",)
    assert dating.exact


@pytest.mark.parametrize(
    ("globs", "name", "selected"),
    [
        ("x/*.py", "x/a.py", True),
        ("x/*.py", "x/y/a.py", False),
        ("x/*.py", "x/apy", False),
        ("x/{a,y/*}.py z/b.py", "x/y/c.py", True),
        ("x/{a,y/*}.py z/b.py", "z/b.py", True),
        ("x/*.py ! x/{a,b}.py", "x/b.py", False),
        ("x/*.py ! x/{a,b}.py", "x/bc.py", True),
    ],
)
def test_globs_select_files(globs: str, name: str, selected: bool) -> None:
    assert bool(Selection("0", globs).pattern().fullmatch(name)) is selected


def test_there_is_an_index_for_every_selection() -> None:
    assert {file.stem for file in index_folder().glob("*.zip")} == set(SELECTIONS)
    for distribution, selection in SELECTIONS.items():
        assert all(selection.pattern().fullmatch(path) for path in Index(index_folder() / f"{distribution}.zip").paths)
