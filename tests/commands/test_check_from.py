"""`doctor check --from`, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Doctor
from tests.readers.test_labelled import TRANSFORMERS_5
from tests.readers.test_listings import NEEDED, THREE, table
from tests.readers.test_locks import UV

Check = Callable[..., Any]


@pytest.fixture
def issue(tmp_path: Path) -> Path:
    """An issue that states torch 2.4.1+cu118, transformers 4.46.3, accelerate 1.0.1 and nothing else."""
    path = tmp_path / "issue.md"
    path.write_text("It fails on transformers 4.46.3, torch 2.4.1+cu118 and Python 3.10.\n\n> accelerate==1.0.1\n")
    return path


def test_a_listing_is_read_without_what_only_other_texts_need(issue: Path) -> None:
    """Start-up is a budget: indexes of line numbers are for tracebacks, and making dataclasses costs more than reading the file."""
    code = f"""
import sys
from doctor.cli import main
main(["check", "--from", {str(issue)!r}, "--format", "json"])
print([each for each in ("dataclasses", "inspect", "zipfile", "doctor.dating", "doctor.readers.project_files", "yaml") if each in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=issue.parent)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_an_issue_is_diagnosed_without_the_machine(check: Check, issue: Path) -> None:
    report = check("--from", issue, "--strict")
    environment = report["environment"]
    assert environment["python"]["version"] == "3.10"
    assert {name: each["version"] for name, each in environment["packages"].items()} == THREE
    assert environment["sources"]["packages.transformers.version"] == "line 1"
    assert environment["sources"]["packages.accelerate.version"] == "list of versions, line 3"
    assert environment["partial"] is True
    assert environment["memory"]["total"] is None
    assert "MT057" in [each["id"] for each in report["findings"]]
    assert report["upgrade"]["command"] == "pip install accelerate==1.15.0"
    assert report["exit_code"] == 1


def test_the_report_says_first_what_was_read_and_shows_no_fact_of_this_machine(doctor: Doctor, issue: Path) -> None:
    out = doctor("check", "--from", issue, "--verbose", cwd=issue.parent).out
    head, _, below = out.partition("What is here\n")
    rest = below.splitlines()
    told = " ".join(head.split())
    assert told.startswith("Read ")
    assert "issue.md: list of versions (line 3), versions mentioned in the text; nothing of this machine" in told
    assert "  transformers  4.46.3  [line 1]" in rest
    assert [line.split()[0] for line in rest[: rest.index("")]] == ["torch", "transformers", "accelerate", "Python"]
    assert "the text does not say" in " ".join(out.split())


def test_standard_input_is_read(issue: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "doctor", "--from", "-", "--format", "json"], input=issue.read_bytes(), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["environment"]["read_from"].startswith("standard input: ")


def test_a_variable_that_the_text_does_not_name_leaves_a_finding_open(check: Check, issue: Path) -> None:
    named = {each["id"]: each for each in check("--from", issue)["findings"]}
    assert named["MT097"]["status"] == "possible"
    assert named["MT097"]["missing"] == ["whether ACCELERATE_USE_FSDP is set"]
    issue.write_text(issue.read_text() + "\nexport ACCELERATE_USE_FSDP=true\n")
    assert {each["id"]: each["status"] for each in check("--from", issue)["findings"]}["MT097"] == "affected"


def test_packages_that_the_text_does_not_state_get_one_line_each_and_no_findings(check: Check, tmp_path: Path) -> None:
    (tmp_path / "issue.txt").write_text("I'm on transformers v4.46.3")
    report = check("--from", "issue.txt")
    assert {each["package"] for each in report["findings"]} == {"transformers"}
    assert [each["reason"] for each in report["environment"]["unknown"] if each["important"]] == [
        "the text does not state the version of torch",
        "the text does not state the version of accelerate",
    ]


@pytest.mark.parametrize(
    ("text", "name", "narrowing", "code"),
    [
        ("transformers>=4.40\ntorch==2.4.1+cpu\naccelerate==1.15.0", "requirements.txt", ("--id", "MT001"), 2),
        (table(NEEDED), "list.txt", (), 2),
        (table(THREE | NEEDED | {"transformers": "99.0"}), "list.txt", ("--package", "transformers", "--id", "MT001"), 2),
        (table(THREE | NEEDED), "list.txt", ("--package", "transformers", "--id", "MT001"), 0),
        (table(THREE | NEEDED), "list.txt", (), 0),
        (table(THREE | NEEDED), "list.txt", ("--strict",), 1),
        (table(THREE | NEEDED | {"accelerate": "0.25.0"}), "list.txt", (), 1),
        ("- `transformers` version: 4.46.3\n- Accelerate version: 1.0.1\n- PyTorch version (GPU?): 2.4.1 (True)", "x", ("--id", "MT001"), 0),
    ],
    ids=["a range", "nothing of the stack", "newer than the matrix", "clean", "exposures", "exposures counted", "a floor", "a block"],
)
def test_exit_code(check: Check, tmp_path: Path, text: str, name: str, narrowing: tuple[str, ...], code: int) -> None:
    (tmp_path / name).write_text(text)
    assert check("--from", name, *narrowing)["exit_code"] == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "none.txt"], "none.txt: cannot be read: No such file or directory"),
        (["--from", "."], "uv.lock: no [[package]] in it"),
        (["--from", "empty"], "empty: a lock file, requirements.txt, environment.yml, pyproject.toml or Dockerfile that states a version"),
        (["--from", "prose.txt"], "prose.txt: no environment found in it; what can be read: `transformers env`"),
        (["--from", "uv.lock"], "uv.lock: no [[package]] in it"),
        (["--from", "prose.txt", "--python", "python3"], "--from and --python: one environment or the other"),
        (["--here"], "--here: only with --from"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_2(doctor: Doctor, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "prose.txt").write_text("It does not work for me.")
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "empty").mkdir()
    ran = doctor("check", *arguments)
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("text", "name", "command"),
    [
        (UV, "uv.lock", "uv add accelerate==1.15.0"),
        (table(THREE), "list.txt", "pip install accelerate==1.15.0"),
        (
            "name: x\ndependencies:\n  - accelerate=1.0.1=py0\n  - pytorch=2.4.1=py0\n  - transformers=4.46.3=py0\n",
            "environment.yml",
            "conda install accelerate=1.15.0",
        ),
    ],
)
def test_the_upgrade_is_said_in_the_language_of_what_was_read(check: Check, tmp_path: Path, text: str, name: str, command: str) -> None:
    (tmp_path / name).write_text(text)
    assert check("--from", name, "--package", "accelerate", "--strict")["upgrade"]["command"] == command


def test_here_fills_the_gaps_and_each_fact_says_where_it_came_from(check: Check, doctor: Doctor, tmp_path: Path, no_torch_stack: Path) -> None:
    (tmp_path / "issue.txt").write_text(TRANSFORMERS_5.replace("5.6.0", "4.46.3"))
    environment = check("--from", "issue.txt", "--here", "--python", no_torch_stack, "--no-live")["environment"]
    assert environment["sources"]["packages.transformers.version"] == "`transformers env` block, line 1"
    assert environment["sources"]["memory.total"] == "this machine"
    assert environment["memory"]["total"] > 0
    assert environment["python"]["executable"].endswith("python")
    told = " ".join(doctor("check", "--from", "issue.txt", "--here", "--python", no_torch_stack, "--no-live").out.split())
    assert told.startswith("Read issue.txt: `transformers env` block (line 1) Gaps filled from ")


def test_a_report_of_doctors_gives_the_same_findings_again(check: Check, doctor: Doctor, tmp_path: Path, no_torch_stack: Path) -> None:
    first = check("--python", no_torch_stack, "--no-live")
    (tmp_path / "report.json").write_text(json.dumps(first))
    second = check("--from", "report.json")
    assert second["findings"] == first["findings"]
    assert second["environment"] == first["environment"] | {"read_from": "report.json: a report of doctor's"}
    told = " ".join(doctor("check", "--from", "report.json").out.split())
    assert told.startswith("Read report.json: a report of doctor's; nothing of this machine It is about ")


def test_what_was_read_passes_the_gate_that_masks(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("torch==2.4.1\x1b]0;x\x07+cpu\ntransformers==4.46.3\n")
    assert "\x1b" not in doctor("check", "--from", "list.txt").out
    arguments = ("check", "--from", tmp_path / "list.txt", "--format", "json")
    assert doctor(*arguments).json["environment"]["read_from"].startswith(f"{tmp_path}/list.txt: ")
    redacted = doctor(*arguments, "--redact", variables={"HOME": str(tmp_path)})
    assert redacted.json["environment"]["read_from"].startswith("~/list.txt: ")


def test_a_command_for_an_environment_that_is_elsewhere_is_aimed_at_none_here(doctor: Doctor, old_stack: Path, tmp_path: Path) -> None:
    report = doctor("check", "--python", old_stack, "--no-live", "--strict", "--format", "json")
    (tmp_path / "report.json").write_text(report.out)
    assert report.json["upgrade"]["command"].startswith(f"{old_stack}/bin/python -m pip install ")
    there = doctor("check", "--from", "report.json", "--strict", "--format", "json")
    assert there.json["upgrade"]["command"].startswith("pip install ")


def test_a_projects_folder_is_read_for_what_says_most_surely_what_is_installed(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("transformers==4.46.3\ntorch==2.4.1\n")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("FROM python:3.11\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "requirements.txt").write_text("transformers==4.0.0\n")
    ran = doctor("check", "--from", ".", "--format", "json")
    assert ran.json["environment"]["packages"]["transformers"]["version"] == "4.46.3"
    assert ran.err == "doctor: requirements.txt is read, and not docker/Dockerfile: --from takes one by its name\n"
    (tmp_path / "uv.lock").write_text(UV)
    ran = doctor("check", "--from", ".", "--format", "json")
    assert ran.json["environment"]["packages"]["torch"]["version"] == "2.5.1"
    assert ran.err == "doctor: uv.lock is read, and not requirements.txt, docker/Dockerfile: --from takes one by its name\n"
