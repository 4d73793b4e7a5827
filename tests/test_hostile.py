"""Small inputs that were made to break doctor, a file each: whatever they hold, doctor ends as it promises to.

The folders are walked: a new case is a new file.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.cli import main

FILES = sorted(file for folder in ("texts", "reports") for file in (Path(__file__).parent / "hostile" / folder).iterdir())
COMMANDS = {"check": ["check", "--from", "FILE"], "explain": ["explain", "FILE"], "date": ["date", "FILE"], "compare": ["compare", "FILE", "FILE"]}
PROMISED = {"check": {0, 1, 2}, "explain": {0, 1, 2, 3}, "date": {0, 1, 2, 3}, "compare": {0, 2}}


@pytest.fixture(autouse=True)
def _handlers_of_signals() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("form", ["terminal", "json"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_doctor_ends_as_promised(file: Path, command: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([str(file) if each == "FILE" else each for each in COMMANDS[command]] + ["--format", form])
    printed = capsys.readouterr()
    complaints = [line for line in printed.err.splitlines() if "another program" not in line]
    assert code in PROMISED[command]
    assert [line for line in complaints if not line.startswith("doctor: ")] == []
    if code == 2 and not printed.out:
        (line,) = complaints
        assert file.name in line
        assert len(line) < 900
