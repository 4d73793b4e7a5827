"""Small inputs that were made to break doctor, a file each: whatever they hold, doctor ends as it promises to.

The folders are walked: a new case is a new file.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.cli import main
from tests.measured import measured

HOSTILE = Path(__file__).parent / "hostile"
FILES = sorted(file for folder in ("texts", "reports") for file in (HOSTILE / folder).iterdir())
HERE = ["--no-live", "--python", sys.executable]
COMMANDS = {"check": ["check", "--from", "FILE"], "explain": ["explain", "FILE"], "date": ["date", "FILE"], "compare": ["compare", "FILE", "FILE"]}
PROMISED = {"check": {0, 1, 2}, "explain": {0, 1, 2, 3}, "date": {0, 1, 2, 3}, "compare": {0, 2}}
MOST_MEMORY = 150 * 1024 * 1024
"""In bytes: a file of 8 MB, the largest that is read as a matrix, and its half a million values, with what doctor takes without."""


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
    assert [line for line in complaints if not line.startswith("doctor: ") or "fault of doctor's own" in line] == []
    if code == 2 and not printed.out:
        (line,) = complaints
        assert file.name in line
        assert len(line) < 900


@pytest.mark.parametrize("file", sorted((HOSTILE / "texts").iterdir()), ids=lambda file: file.name)
def test_a_report_takes_it_as_a_traceback(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *HERE, "--traceback", str(file)]) == 0
    assert "fault of doctor's own" not in capsys.readouterr().err


@pytest.mark.parametrize("file", sorted((HOSTILE / "reports").iterdir()), ids=lambda file: file.name)
def test_it_is_no_baseline(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *HERE, "--baseline", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"doctor: --baseline {file}: " in printed.err


@pytest.mark.parametrize("file", sorted((HOSTILE / "matrices").iterdir()), ids=lambda file: file.name)
def test_a_hostile_matrix_is_refused_where_it_is_to_be_used(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *HERE, "--matrix", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert all(line.startswith(f"doctor: {file}") and len(line) < 900 for line in printed.err.splitlines() if "another program" not in line)


_HEAD = 'schema_version: 1\nversion: "1"\npackages: {torch: {checked_up_to: "2.0"}}\nadvisories:\n'
_ADVISORY = """
  - id: MT001
    slug: it
    title: it
    kind: bug
    severity: error
    affected: [{package: torch, ranges: [{introduced: "2", fixed: "1"}]}]
    trigger: it
    apis: []
    signature: null
    cause: it
    workaround: null
    references: []
    evidence: {level: reported, basis: it}
    related: [MT002, MT003]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="memory is asked for as POSIX has it")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_HEAD + "- {}\n" * 20_000, 101),
        (_HEAD + _ADVISORY * 600, 101),
        (_HEAD + _ADVISORY * 20_000, 1),
        (_HEAD + "- 1\n" * 1_875_000, 1),
        (_HEAD + "- x\nk" + "x" * 7_500_000 + ": 1\n", 1),
        (_HEAD + "- '" + "x" * 7_500_000 + "'\n", 1),
        (_HEAD + "[" * 7_500_000, 1),
        (_HEAD + "- 1\n" * 3_000_000, 1),
    ],
    ids=["keys missing", "contradictions", "very many contradictions", "wrong types", "a key", "a text", "nested", "larger than any matrix"],
)
def test_a_matrix_with_faults_without_number_takes_little_memory(text: str, told: int, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(text)
    ran = measured("matrix", "validate", "m.yaml", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == told
    assert ran.memory < MOST_MEMORY
