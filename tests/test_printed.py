"""Whatever files are called and other programs say: nothing of it steers the terminal, no secret in it is shown, and one line stays one."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.cli import main
from tests.conftest import Doctor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
TOKEN = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567"
EVIL = f"a\x1b]0;title\x07\x1b[31m\x9b2J\u202e[bold]{TOKEN}\nb\udcff"
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
COMMANDS = [
    "explain FILE",
    "explain --format json FILE",
    "check --from FILE",
    "check --from FILE --format json",
    "check --python FILE",
    "check --baseline FILE",
    "check --no-live --matrix FILE",
    "check --id FILE",
    "check --package FILE",
    "check --FILE",
    "date FILE",
    "compare FILE FILE",
    "fleet --reports FILE",
    "fleet --reports .",
    "triage . --output rows.jsonl",
    "triage FILE --output FILE",
    "matrix validate FILE",
    "matrix validate FILE --format json",
    "matrix show FILE",
    "report --traceback FILE --output FILE",
    "confirm FILE",
    "FILE",
    "not-thereFILE",
]


CONTENTS = {
    "file": "RuntimeError: no\n",
    "report": '{"doctor_version": "0.1.0", "schema_version": 9}',
    "matrix": "schema_version: 1\nversion: '1'\n",
}


@pytest.fixture(autouse=True)
def _as_a_process_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    assert [*STEERS.findall(out), *STEERS.findall(err)] == []
    assert TOKEN not in out + err
    complaints = [line for line in err.splitlines() if "another program" not in line]
    assert all(line.startswith("doctor: ") for line in complaints)
    assert "fault of doctor's own" not in err
    return code, out, "\n".join(complaints)


@pytest.mark.parametrize("kind", ["file", "folder", "report", "matrix"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_may_have_any_name(command: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / EVIL
    if kind == "folder":
        place.mkdir()
    else:
        place.write_text(CONTENTS[kind])
    printed([each.replace("FILE", EVIL) for each in command.split(" ")], capsys)


def test_a_program_that_cannot_be_started_may_have_any_name(doctor: Doctor) -> None:
    ran = doctor("run", "--", EVIL)
    assert (ran.code, ran.out) == (2, "")
    assert STEERS.findall(ran.err) == []
    assert TOKEN not in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("ending", ["exit 7", "kill -SEGV $$", "exit 0"])
def test_what_a_python_says_that_does_not_work_is_quoted_tame(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = tmp_path / "python"
    python.write_bytes(b"#!/bin/sh\nprintf '%s' '" + os.fsencode(EVIL.replace("\n", " ")) + b"' >&2\n" + ending.encode() + b"\n")
    python.chmod(0o755)
    code, out, complaint = printed(["check", "--python", str(python)], capsys)
    assert (code, out) == (2, "")
    assert re.search(r"is not a working Python interpreter \(ended with \S.*: a\N{REPLACEMENT CHARACTER}]0;title.*<token> b", complaint)
    assert "\n" not in complaint


ADVISORY = """
schema_version: 1
version: "{text}"
packages: {{torch: {{checked_up_to: "2.0"}}}}
advisories:
  - id: MT001
    slug: it
    title: "{text}"
    kind: bug
    severity: error
    affected: [{{package: torch, ranges: [{{introduced: null, fixed: null}}]}}]
    trigger: "{text}"
    apis: ["{text}"]
    signature: null
    cause: "{text}"
    workaround: "{text}"
    references: ["https://x"]
    evidence: {{level: reported, basis: "{text}"}}
"""


@pytest.mark.parametrize("character", [r"\e[31m", r"\x9b2J", r"\u202e", r"\a", r"\0", r"\r", r"\N"])
@pytest.mark.parametrize("command", ["matrix validate", "matrix list --matrix", "check --no-live --matrix"])
def test_a_matrix_that_holds_what_steers_a_terminal_is_refused(
    command: str, character: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.yaml").write_text(ADVISORY.format(text=f"a {character} b"))
    code, out, complaint = printed([*command.split(" "), "m.yaml"], capsys)
    assert (code, out) == (2, "")
    assert complaint == "doctor: m.yaml:3: a control character stands here, which could steer the terminal it is shown at"


def test_a_tag_is_quoted_tame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.yaml").write_text("!%1B%5B2J x\n")
    code, _, complaint = printed(["matrix", "validate", "m.yaml"], capsys)
    assert (code, complaint) == (2, "doctor: m.yaml:1: the tag !\N{REPLACEMENT CHARACTER}[2J is not accepted here")


@pytest.mark.parametrize("command", ["matrix list", "matrix show MT001", f"check --no-live --strict --python {sys.executable}"])
def test_what_looks_like_markup_in_a_matrix_is_text(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.yaml").write_text(ADVISORY.format(text="[red]a[/nope] [link=x]b"))
    _, out, complaint = printed([*command.split(" "), "--matrix", "m.yaml"], capsys)
    assert complaint == ""
    if command.startswith("matrix"):
        assert "[red]a[/nope] [link=x]b" in " ".join(out.split())


def test_what_was_masked_is_listed_tame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.txt").write_text(f"password=\x1b[31mabc\x07def\nHF_TOKEN={TOKEN}\n")
    main(["report", "--no-live", "--python", sys.executable, "--traceback", "t.txt", "--show-redactions"])
    out, _ = capsys.readouterr()
    assert TOKEN in out
    assert STEERS.findall(out) == []
