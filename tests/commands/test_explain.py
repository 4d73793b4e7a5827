"""doctor explain for maintainers: many texts in one process, labels, a reply to post."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor.reports.json import published_schemas
from tests.conftest import Doctor, Ran
from tests.reports.golden_explanations import TEXTS

SCHEMA = json.loads(published_schemas()["explained-text.schema.json"])
FINE = "The weather is fine.\n"


def _written(folder: Path, **texts: str) -> list[Path]:
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in texts]


def _lines(ran: Ran) -> list[Any]:
    lines = [json.loads(line) for line in ran.out.splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    return lines


def test_each_file_is_a_text_of_its_own_and_explained_as_alone(doctor: Doctor, tmp_path: Path) -> None:
    files = _written(tmp_path, a=TEXTS["offloaded"], b=TEXTS["bare"], c=TEXTS["not-ours"], d=FINE)
    ran = doctor("explain", *files, "--format", "jsonl")
    assert (ran.code, ran.err) == (1, "")
    lines = _lines(ran)
    assert [line["file"] for line in lines] == [str(each) for each in files]
    for line, file in zip(lines, files, strict=True):
        assert line["error"] is None
        assert line["explanation"] == doctor("explain", file, "--format", "json").json
        assert line["labels"] == doctor("explain", file, "--labels").out.splitlines()


def test_a_bad_text_is_a_line_and_stops_none_of_the_others(doctor: Doctor, tmp_path: Path) -> None:
    good, empty, last = _written(tmp_path, good=TEXTS["offloaded"], empty=" \n", last=TEXTS["bare"])
    (tmp_path / "packed").write_bytes(b"\x1f\x8b\x08\x00")
    ran = doctor("explain", good, empty, "missing", "packed", ".", last, "--format", "jsonl", cwd=tmp_path)
    assert (ran.code, ran.err) == (2, "")
    lines = _lines(ran)
    assert [line["error"] is None for line in lines] == [True, False, False, False, False, True]
    assert [line["explanation"] is None for line in lines] == [False, True, True, True, True, False]
    assert lines[1]["error"].startswith(f"{empty}: is empty")
    assert lines[2]["error"] == "missing: cannot be read: No such file or directory"
    assert "gzip" in lines[3]["error"]
    assert ". : cannot be read".replace(" ", "", 1) in lines[4]["error"]


@pytest.mark.parametrize(
    ("names", "code"), [(("fine",), 0), (("fine", "foreign"), 3), (("foreign", "ours"), 1), (("missing", "ours"), 2), (("fine", "missing"), 2)]
)
def test_the_exit_code_of_many(doctor: Doctor, tmp_path: Path, names: tuple[str, ...], code: int) -> None:
    _written(tmp_path, fine=FINE, foreign=TEXTS["not-ours"], ours=TEXTS["offloaded"])
    assert doctor("explain", *names, "--format", "jsonl", cwd=tmp_path).code == code


def test_redacted_lines_name_no_home(doctor: Doctor, tmp_path: Path) -> None:
    home = tmp_path / "home" / "ann"
    home.mkdir(parents=True)
    (file,) = _written(home, issue=TEXTS["offloaded"].replace("/srv", str(home)))
    for files, *form in (((file, home / "missing"), "--format", "jsonl", "--redact"), ((file,), "--format", "markdown"), ((file,), "--redact")):
        out = doctor("explain", *files, *form, variables={"HOME": str(home)}).out
        assert "NotImplementedError" in out
        assert str(home) not in out


def test_labels_are_printed_alone(doctor: Doctor, tmp_path: Path) -> None:
    (file,) = _written(tmp_path, issue=TEXTS["offloaded"])
    ran = doctor("explain", file, "--labels")
    assert (ran.code, ran.out) == (1, "cause:offload-then-move\nkind:resource\n")
    ran = doctor("explain", file, "--labels", "--format", "json")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "--labels" in ran.err


def test_how_far_it_is_stands_on_a_terminal_while_lines_go_to_a_file(tmp_path: Path) -> None:
    files = _written(tmp_path, **{f"text{number}": TEXTS["offloaded"] for number in range(30)})
    ours, theirs = pty.openpty()
    out = tmp_path / "out.jsonl"
    with out.open("wb") as lines:
        command = [sys.executable, "-m", "doctor", "explain", *map(str, files), "--format", "jsonl"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=lines, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen, end = b"", time.monotonic() + 60
    while time.monotonic() < end and select.select([ours], [], [], 30)[0]:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # Linux says so where the other end is closed
            break
    os.close(ours)
    assert process.wait(timeout=30) == 1
    assert b"explaining 30 texts" in seen
    assert len(out.read_text("utf-8").splitlines()) == 30
