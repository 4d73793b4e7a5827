"""The real command on every environment of `tests/patients` (see tests/patients_support.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor.reports.json import published_schemas
from tests.patients_support import Expected, Patient, agrees, all_patients, bare_environment

USER = "patient-zero"
IN_TIME_SECONDS = 20
"""Far more than the time limit given to torch (3 s) and all graces together, and far less than for ever."""


@dataclass(frozen=True)
class Examination:
    """One run of the command on one patient."""

    expected: Expected
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_environment(tmp_path_factory.mktemp("base") / "venv")


@pytest.mark.parametrize("form", ["json", "terminal"])
@pytest.mark.parametrize("patient", all_patients(), ids=lambda patient: patient.name)
def test_doctor_says_what_is_wrong_and_leaves_nothing_behind(patient: Patient, form: str, base: Path, tmp_path: Path) -> None:
    home = patient.make(base, tmp_path)
    before = _files(tmp_path)
    examination = _examine(patient, home, form, tmp_path / "cwd")
    assert _files(tmp_path) == before
    assert list(_processes_of(home)) == []
    _check_streams(examination, form)
    if form == "json" and patient.expected.stderr is None:
        _check_report(examination)


def _examine(patient: Patient, home: Path, form: str, cwd: Path) -> Examination:
    command = [
        sys.executable,
        "-m",
        "doctor",
        "check",
        "--python",
        str(home),
        "--format",
        form,
        "--timeout",
        "3",
        "--redact",
        *patient.expected.arguments,
    ]
    active = ("VIRTUAL_ENV", "CONDA_PREFIX", "COLUMNS", "FORCE_COLOR", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    variables = {name: value for name, value in os.environ.items() if name not in active}
    variables.update(
        HOME=f"/home/{USER}", USER=USER, LOGNAME=USER, COLUMNS="300", PYTHONPATH=str(Path(__file__).parents[1]), PYTHONIOENCODING="utf-8"
    )
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, cwd=cwd, env=variables, check=False, timeout=60)
    assert time.monotonic() - started < IN_TIME_SECONDS
    return Examination(patient.expected, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def _files(folder: Path) -> dict[Path, float]:
    return {path: path.lstat().st_mtime for path in folder.rglob("*")}


def _processes_of(home: Path) -> Iterator[str]:
    """The command lines of processes that run in the patient (Linux; elsewhere none are seen)."""
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = each.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(home) in command:
            yield command


def _check_streams(examination: Examination, form: str) -> None:
    expected, both = examination.expected, examination.out + examination.err
    assert examination.code == expected.exit_code, both
    assert [character for character in both if unicodedata.category(character) == "Cc" and character != "\n"] == []
    for text in ("Traceback", USER, *expected.never):
        assert text not in both
    if expected.stderr is not None:
        assert examination.out == ""
        assert examination.err.startswith("doctor: ")
        assert examination.err.count("\n") == 1
        assert expected.stderr in examination.err
        return
    assert examination.err == ""
    if form == "terminal":
        words = " ".join(examination.out.split())
        for text in (*expected.says, *expected.installation):
            assert text in words


def _check_report(examination: Examination) -> None:
    expected, report = examination.expected, json.loads(examination.out)
    jsonschema.validate(report, json.loads(published_schemas()["report.schema.json"]))
    assert report["exit_code"] == examination.code
    assert sorted(each["id"] for each in report["findings"] if each["kind"] == "installation") == sorted(expected.installation)
    assert agrees({each["id"]: each["status"] for each in report["findings"]}, expected.advisories)
    environment = report["environment"]
    assert agrees(environment["torch"], expected.torch), environment["torch"]
    assert agrees(environment["packages"], expected.packages), environment["packages"]
    reasons = {each["fact"]: each["reason"] for each in environment["unknown"]}
    assert agrees(reasons, {fact: {"has": reason} for fact, reason in expected.unknown.items()}), reasons
    _check_installed_but_broken_is_installed(expected, environment)


def _check_installed_but_broken_is_installed(expected: Expected, environment: Any) -> None:
    gone = {name for name, facts in expected.packages.items() if facts is None}
    assert {"torch", "transformers", "accelerate"} - gone <= environment["packages"].keys()


def test_there_are_patients_enough() -> None:
    assert len(all_patients()) >= 14


def test_every_patient_says_what_it_is_about() -> None:
    assert [patient.name for patient in all_patients() if not patient.expected.about.endswith(".")] == []
