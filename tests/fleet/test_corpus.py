"""Corpora of every kind, read text by text: what is wrong with one text is said there, and the others come."""

from __future__ import annotations

import json
import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from doctor.errors import DoctorError
from doctor.fleet.corpus import CorpusText, read_corpus

ISSUES: list[Any] = [
    {
        "number": 7,
        "title": "It fails",
        "body": "Traceback",
        "comments": [{"body": "me too"}],
        "createdAt": "2025-03-01T10:00:00Z",
        "url": "https://x/7",
    },
    {"number": 8, "title": "No body", "body": None, "created_at": "2025-04"},
    {"number": 9},
    "a text",
    17,
]
EXPECTED = [
    CorpusText("https://x/7", b"It fails\n\nTraceback\n\nme too", created="2025-03-01"),
    CorpusText("8", b"No body", created="2025-04"),
    CorpusText("9", None, error="no text in it: expected `text`, or `title`, `body` and `comments`"),
    CorpusText("4", b"a text"),
    CorpusText("5", None, error="neither an object nor a text"),
]


def read(place: Path) -> list[CorpusText]:
    return list(read_corpus(str(place)))


@pytest.mark.parametrize("text", [json.dumps(ISSUES), json.dumps({"total_count": 5, "items": ISSUES}, indent=2)], ids=["gh", "search"])
def test_an_export_of_issues(text: str, tmp_path: Path) -> None:
    file = tmp_path / "issues.json"
    file.write_text(text)
    assert read(file) == EXPECTED
    file.write_text(text[: text.index("No body")])
    first, cut = read(file)
    assert first == EXPECTED[0]
    assert "cut short" in str(cut.error)


def test_a_long_export_is_not_held_in_memory(tmp_path: Path) -> None:
    """Issues of all lengths around that of the piece that is read at once, letters of several bytes on its borders, and blanks between."""
    file, lengths = tmp_path / "issues.json", [3, 2**20 - 30, 2**20, 3 * 2**20 + 1, *[40_000] * 500]
    with file.open("w", encoding="utf-8") as page:
        page.write('{"total_count": 504, "items": [')
        for number, length in enumerate(lengths):
            page.write((" ,\n" if number else "\n") + json.dumps({"number": number, "body": "ä" * length}, ensure_ascii=False))
        page.write("]}")
    tracemalloc.start()
    try:
        found = [(each.id, len(each.content or b"")) for each in read_corpus(str(file))]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == [(str(number), 2 * length) for number, length in enumerate(lengths)]
    assert file.stat().st_size > 45_000_000
    assert peak < 40_000_000


def test_numbers_and_texts_that_a_piece_ends_in_are_whole(tmp_path: Path) -> None:
    file = tmp_path / "issues.json"
    for first in range(2**20 - 24, 2**20 + 3):
        file.write_text(json.dumps(["x" * first, 1234567890, "a text"]))
        assert [len(each.content or b"") for each in read(file)] == [first, 0, 6]


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes")
@pytest.mark.parametrize("ending", ["json", "jsonl", "parquet"])
def test_a_named_pipe_is_not_waited_for(ending: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"x.{ending}")
    with pytest.raises(DoctorError, match="cannot be read"):
        read(tmp_path / f"x.{ending}")


def test_json_lines_of_which_some_are_none(tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    lines = [b'{"text": "RuntimeError", "id": "a"}', b"", b"{not json", b"[" * 5000, b"\xff\xfe", b'{"log": "x", "date": "2024-01-02 03:04"}']
    file.write_bytes(b"\n".join(lines))
    assert [(each.id, each.content, each.error) for each in read(file)] == [
        ("a", b"RuntimeError", None),
        ("3", None, "not JSON"),
        ("4", None, "not JSON"),
        ("5", None, "not JSON"),
        ("6", b"x", None),
    ]
    file.write_bytes(b'{"text": "' + b"x" * 9_000_000 + b'"}\n{"text": "after"}')
    assert [each.error or each.content for each in read(file)] == ["a line of more than 8 MiB", b"after"]


def test_a_folder_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.log", "a.txt", ".git/config", "b/.hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [each.id for each in read(tmp_path)] == ["a.txt", "b/1.log", "b/2.txt"]


def test_parquet(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    file = tmp_path / "issues.parquet"
    keys = [*ISSUES[0], "created_at"]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{key: each.get(key) for key in keys} for each in ISSUES[:3]]), file)
    assert read(file) == EXPECTED[:3]
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(DoctorError, match="cannot be read as Parquet"):
        read(file)


@pytest.mark.parametrize(("name", "text"), [("x.json", "{}"), ("x.json", "hello"), ("missing.json", None), ("missing.jsonl", None)])
def test_what_is_no_corpus(name: str, text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DoctorError, match=r"cannot be read|expected a JSON list"):
        read(tmp_path / name)
