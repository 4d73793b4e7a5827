"""Answers about facts: as options, at a prompt, and from the environment the text came from."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Doctor

BARE = "NotImplementedError: Cannot copy out of meta tensor; no data!\n"


@pytest.fixture
def issue(tmp_path: Path) -> Path:
    file = tmp_path / "issue.txt"
    file.write_text(BARE)
    return file


def test_an_answer_decides_and_is_among_the_reasons(doctor: Doctor, issue: Path) -> None:
    before = doctor("explain", issue, "--format", "json").json
    assert before["failures"][0]["outcome"] == "doubtful"
    assert before["failures"][0]["question"]["fact"] == "left_on_meta"
    assert before["next"] == f"doctor explain --ask {issue}"
    ran = doctor("explain", issue, "--fact", "left_on_meta={'': 0, 'lm_head': 'cpu'} ['lm_head.weight']", "--fact", "step=move", "--format", "json")
    (failure,) = ran.json["failures"]
    assert (failure["outcome"], failure["causes"][0]["cause"]) == ("explained", "offload-then-move")
    assert any(said.startswith("step is move") for said in failure["causes"][0]["because"])
    assert ran.json["given"] == [{"name": "left_on_meta", "value": "offloaded", "by": "option"}, {"name": "step", "value": "move", "by": "option"}]
    assert "--fact step=move" in doctor("explain", issue, "--fact", "step=move").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fact", "threads"), "--fact threads: expected NAME=VALUE, as in --fact threads=yes"),
        (("--fact", "thread=yes"), "--fact thread: no such fact, did you mean threads?"),
        (("--fact", "threads=perhaps"), "--fact threads=perhaps: no answer; expected yes (two models are loaded at the same time), no"),
        (("--fact", "hf_device_map=x"), 'or what `print(getattr(model, "hf_device_map", None))` prints'),
        (("--fact", "threads=yes", "--fact", "threads=no"), "--fact threads: given twice"),
        (("--fact", "threads=yes", "--format", "jsonl"), "--fact: is for one text, and --format jsonl for many"),
        (("--ask", "--format", "jsonl"), "--ask: is for one text"),
        (("--ask",), "--ask: standard input is no terminal: give the answer with --fact NAME=VALUE"),
    ],
)
def test_what_is_wrong_is_one_line(doctor: Doctor, issue: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = doctor("explain", issue, *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


def test_a_text_from_standard_input_leaves_nobody_to_ask(doctor: Doctor) -> None:
    ran = doctor("explain", "--ask", "-")
    assert (ran.code, ran.out) == (2, "")
    assert "name a FILE" in ran.err


def _asked(issue: Path, *lines: str, arguments: tuple[str, ...] = ()) -> tuple[int, str]:
    """The exit code, and what stands on a terminal of 80 columns on which the lines are typed, each when a question stands there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "doctor", "explain", "--ask", *arguments, str(issue)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "80"})
    os.close(theirs)
    seen, rest, end, asked = "", list(lines), time.monotonic() + 60, 0
    while time.monotonic() < end and select.select([ours], [], [], 30)[0]:
        try:
            seen += os.read(ours, 4096).decode("utf-8", "replace")
        except OSError:  # Linux says so where the other end is closed
            break
        if rest and seen.count("enough): ") > asked:
            asked += 1
            os.write(ours, rest.pop(0).encode())
    os.close(ours)
    return process.wait(timeout=30), seen.replace("\r\n", "\n")


def test_asked_on_a_terminal_it_concludes_from_the_answers(issue: Path) -> None:
    code, seen = _asked(issue, "{'a': 'cpu'}\n", "nonsense\n", "move\n")
    assert code == 1
    assert "Run this right before the line that fails" in seen and "What does the line that fails do?" in seen
    assert "That is none of build, load, move" in seen
    assert "(offload-then-move)" in seen and "step is move" in seen
    asking = seen[: seen.rindex("enough): ")].split("\n")
    assert all(len(line) <= 80 for line in asking if "named_parameters" not in line and "enough): " not in line)


def test_a_number_is_an_answer_and_an_empty_line_is_none(issue: Path) -> None:
    code, seen = _asked(issue, "\n", "\x04")
    assert code == 1
    assert seen.count("enough): ") == 2 or "Means" in seen
    code, seen = _asked(issue, "3\n")
    assert "(zero3-init)" in seen and "left_on_meta is zero3" in seen


def test_with_here_what_is_set_there_answers(doctor: Doctor, issue: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hf" / "accelerate"
    folder.mkdir(parents=True)
    (folder / "default_config.yaml").write_text("deepspeed_config:\n  zero_stage: 3\ndistributed_type: DEEPSPEED\n")
    here = ("explain", issue, "--here", "--python", sys.executable, "--format", "json")
    report = doctor(*here, variables={"HF_HOME": str(tmp_path / "hf")}).json
    assert report["given"] == [{"name": "zero_stage", "value": "3", "by": "here"}]
    assert any("zero_stage is 3" in said for said in report["failures"][0]["causes"][0]["because"])
    assert doctor(*here, variables={"HF_HOME": str(tmp_path / "none")}).json["given"] == []
    report = doctor(*here, "--fact", "zero_stage=other", variables={"HF_HOME": str(tmp_path / "hf")}).json
    assert [each["by"] for each in report["given"]] == ["option"]
