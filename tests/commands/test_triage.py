"""`doctor triage` as a user types it: rows, summary, workers, and going on after it was killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest

from doctor.reports.json import published_schemas
from tests.conftest import Doctor

MOVED = """\
transformers 4.46.3
Traceback (most recent call last):
  File "train.py", line {line}, in <module>
    model.to("cuda")
  File "/opt/venv/lib/python3.11/site-packages/accelerate/big_modeling.py", line 456, in wrapper
    raise RuntimeError("You can't move a model that has some modules offloaded to cpu or disk.")
RuntimeError: You can't move a model that has some modules offloaded to cpu or disk.
"""
UNKNOWN = """\
Traceback (most recent call last):
  File "/opt/venv/lib/python3.11/site-packages/transformers/modeling_utils.py", line 9, in oddity
    x
NotImplementedError: Cannot copy out of meta tensor; no data!
"""
RECORDS: list[dict[str, Any]] = [
    {"number": 1, "text": MOVED.format(line=3), "createdAt": "2025-01-02"},
    {"number": 2, "text": MOVED.format(line=99), "createdAt": "2025-02-02"},
    {"number": 3, "text": "all is well"},
    {"number": 4, "text": ""},
    {"number": 5, "text": "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB"},
    {"number": 6, "text": UNKNOWN},
    {"number": 7},
]


def corpus(folder: Path, times: int = 1) -> Path:
    file = folder / "corpus.jsonl"
    records = [{**each, "number": f"{each['number']}-{number}"} for number in range(times) for each in RECORDS]
    file.write_text("".join(json.dumps(each) + "\n" for each in records))
    return file


def rows_in(file: Path) -> list[Any]:
    schema = json.loads(published_schemas()["triaged-text.schema.json"])
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row in rows:
        jsonschema.validate(row, schema)
    return rows


def test_a_row_for_each_text_and_a_summary(doctor: Doctor, tmp_path: Path) -> None:
    ran = doctor("triage", corpus(tmp_path), "--output", "rows.jsonl")
    rows = rows_in(tmp_path / "rows.jsonl")
    assert [row["outcome"] for row in rows] == ["explained", "explained", "no-failure", "error", "not-ours", rows[5]["outcome"], "error"]
    first, second = rows[:2]
    assert (first["cause"], first["stated"], first["created"]) == ("offload-then-move", {"transformers": "4.46.3"}, "2025-01-02")
    assert first["key"] == "offload-then-move < accelerate/big_modeling.py:wrapper"
    assert (first["duplicate_of"], second["duplicate_of"]) == (None, "1-0")
    assert first["labels"][0] == "cause:offload-then-move"
    assert "is empty" in rows[3]["error"]
    assert (rows[4]["foreign"], rows[4]["cause"]) == ("cuda-out-of-memory", None)
    assert rows[5]["question"]
    assert ran.out.startswith("7 texts: 2 error, 2 explained,")
    assert "offload-then-move" in ran.out
    assert ran.code == 1
    assert ran.err == ""


def test_it_says_of_each_text_what_explain_says(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for number, text in enumerate((MOVED.format(line=3), UNKNOWN)):
        (tmp_path / "texts" / f"{number}.txt").write_text(text)
    ran = doctor("triage", "texts", "--output", "rows.jsonl", "--format", "json", cwd=tmp_path)
    jsonschema.validate(ran.json, json.loads(published_schemas()["triage.schema.json"]))
    explained = doctor("explain", "texts/0.txt", "texts/1.txt", "--format", "jsonl", cwd=tmp_path).out.splitlines()
    for row, line in zip(rows_in(tmp_path / "rows.jsonl"), map(json.loads, explained), strict=True):
        first = line["explanation"]["failures"][0]
        assert (row["outcome"], row["labels"]) == (first["outcome"], line["labels"])
        assert row["confidence"] == (first["causes"][0]["confidence"] if first["causes"] else None)


def test_without_a_file_the_rows_are_the_output(doctor: Doctor, tmp_path: Path) -> None:
    ran = doctor("triage", corpus(tmp_path))
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [f"{number}-0" for number in range(1, 8)]
    assert ran.err.startswith("7 texts: ")


def test_a_name_may_hold_anything(doctor: Doctor, tmp_path: Path) -> None:
    lines = [json.dumps({"id": f"a\x1b[31m\x9b2J\u202e{number}", "text": MOVED.format(line=number)}) for number in range(2)]
    (tmp_path / "c.jsonl").write_text("\n".join(lines))
    ran = doctor("triage", "c.jsonl", cwd=tmp_path)
    assert "first: a" in ran.err
    assert re.search("[\x1b\x9b\u202e]", ran.out + ran.err) is None


def test_killed_it_goes_on_where_it_was_and_nothing_comes_twice(doctor: Doctor, tmp_path: Path) -> None:
    file = corpus(tmp_path, times=25)
    whole = doctor("triage", file, "--output", "whole.jsonl")
    command = [sys.executable, "-m", "doctor", "triage", str(file), "--output", "rows.jsonl", "--workers", "2"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    rows = tmp_path / "rows.jsonl"
    while not (rows.exists() and rows.stat().st_size) and running.poll() is None:
        time.sleep(0.01)
    workers = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    running.wait()
    _, left = psutil.wait_procs(workers, 20)
    assert left == []
    kept = rows.read_bytes()
    assert 0 < kept.count(b"\n") < 175
    rows.write_bytes(kept + b'{"schema_version": 2, "docum')
    again = doctor("triage", file, "--output", "rows.jsonl", "--workers", "2")
    assert rows.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert again.out == whole.out
    assert doctor("triage", file, "--output", "rows.jsonl").out == whole.out


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_interrupted_it_leaves_whole_rows_and_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "doctor", "triage", str(corpus(tmp_path, 60)), "--output", "rows.jsonl", "--workers", "2"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    rows = tmp_path / "rows.jsonl"
    while not (rows.exists() and rows.stat().st_size) and running.poll() is None:
        time.sleep(0.01)
    workers = psutil.Process(running.pid).children(recursive=True)
    os.kill(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, "doctor: interrupted\n")
    assert psutil.wait_procs(workers, 20)[1] == []
    assert rows_in(rows)


def test_rows_of_something_else_are_left_alone(doctor: Doctor, tmp_path: Path) -> None:
    file = corpus(tmp_path)
    for text, complaint in (
        ('{"id": "1-0"}\n', "holds rows of something else than this corpus"),
        ("my notes\n", "holds rows of something else"),
    ):
        (tmp_path / "rows.jsonl").write_text(text)
        ran = doctor("triage", file, "--output", "rows.jsonl")
        assert (ran.code, ran.out) == (2, "")
        assert complaint in ran.err
        assert (tmp_path / "rows.jsonl").read_text() == text
    (tmp_path / "rows.jsonl").unlink()
    doctor("triage", file, "--output", "rows.jsonl")
    kept = (tmp_path / "rows.jsonl").read_text()
    (made,) = {row["made_by"] for row in rows_in(tmp_path / "rows.jsonl")}
    assert re.fullmatch(r"doctor \S+, matrix \S+, causes [0-9a-f]{8}", made)
    for other in (made.replace("doctor 0", "doctor 7"), made[:-1] + ("0" if made[-1] != "0" else "1")):
        (tmp_path / "rows.jsonl").write_text(kept.replace(made, other))
        assert f"its rows were made by {other}, and this is {made}; name another file" in doctor("triage", file, "--output", "rows.jsonl").err


def test_rows_as_parquet(doctor: Doctor, tmp_path: Path) -> None:
    import pyarrow.parquet

    doctor("triage", corpus(tmp_path), "--output", "rows.jsonl")
    ran = doctor("triage", corpus(tmp_path), "--output", "rows.parquet")
    assert ran.code == 1
    columns = pyarrow.parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    plain = [{**row, "stated": json.loads(row["stated"]), "dated": json.loads(row["dated"])} for row in columns]
    assert plain == rows_in(tmp_path / "rows.jsonl")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["corpus.jsonl", "rows.jsonl", "rows.parquet"]
    assert "is there already" in doctor("triage", corpus(tmp_path), "--output", "rows.parquet").err


def test_what_is_private_in_names_is_masked_for_others(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(json.dumps({"url": "https://git.acme-secret.corp/llm/1", "text": "x"}) + "\n")
    assert "acme-secret" not in doctor("triage", "c.jsonl", "--redact", cwd=tmp_path).out


def test_rows_hold_nothing_of_a_text_that_is_private(doctor: Doctor, tmp_path: Path) -> None:
    """A row leaves the worker that made it, and the cluster: of the text it has versions, an exception's name and frames of libraries."""
    token, text = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567", MOVED.replace("/opt/venv", "/home/adaexample/venv").format(line=3)
    said = f'HF_TOKEN={token} ssh://ada@git.acme-secret.corp\n{text}{text.replace("RuntimeError", token)}\n  File "/home/adaexample/{token}.py"\n'
    (tmp_path / "c.jsonl").write_text("".join(json.dumps({"id": number, "text": each}) + "\n" for number, each in enumerate((said, UNKNOWN + said))))
    doctor("triage", "c.jsonl", "--output", "rows.jsonl", cwd=tmp_path)
    rows = rows_in(tmp_path / "rows.jsonl")
    assert "offload-then-move" in {row["cause"] for row in rows}
    for private in (token, "adaexample", "acme-secret"):
        assert private not in json.dumps(rows)


@pytest.mark.parametrize(("arguments", "complaint"), [(("nothing",), "there is no such file"), ((".", "--workers", "0"), "from 1 to 1024")])
def test_what_cannot_be_done_is_an_error(arguments: tuple[str, ...], complaint: str, doctor: Doctor) -> None:
    ran = doctor("triage", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
