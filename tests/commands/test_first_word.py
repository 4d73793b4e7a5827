"""What stands where a command is expected is what it looks like, and what was mistyped gets a hint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Doctor

LOG = "NotImplementedError: Cannot copy out of meta tensor; no data!\n"


def test_a_log_is_explained(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "serve2.log").write_text(LOG)
    assert doctor("serve2.log").out == doctor("explain", "serve2.log").out


def test_an_id_is_shown(doctor: Doctor) -> None:
    assert doctor("MT072").out == doctor("matrix", "show", "MT072").out


def test_a_listing_is_diagnosed(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.9.0\ntransformers==4.46.3\naccelerate==1.0.1\n")
    assert doctor("requirements.txt").out.startswith("Read requirements.txt: ")


def test_an_environment_folder_is_examined(doctor: Doctor, no_torch_stack: Path) -> None:
    for words in ((no_torch_stack,), ("--python", no_torch_stack.parent)):
        told = " ".join(doctor(*words, "--no-live").out.split())
        assert f"Examined {no_torch_stack}" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explan", "x"], "did you mean `doctor explain`?"),
        (["frobnicate"], "`doctor --help` lists the commands"),
        (["check", "--form", "x"], "--form: not known here, did you mean --format?"),
        (["confirm", "MT999"], "MT999: no such advisory"),
        (["run", "train.py"], "doctor run -- python train.py"),
    ],
)
def test_what_was_mistyped_gets_a_hint_in_one_line(doctor: Doctor, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    ran = doctor(*arguments)
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert line.startswith("doctor: ")
    assert message in line
    assert "--id" not in line
    assert "No such file" not in line


def test_a_program_is_checked(doctor: Doctor, tmp_path: Path, no_torch_stack: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    assert doctor("train.py", "--python", no_torch_stack, "--no-live", "--format", "json").json["program"]["files"] == 1


@pytest.mark.parametrize("arguments", [["-V"], ["--version"]])
def test_the_version(doctor: Doctor, arguments: list[str]) -> None:
    assert doctor(*arguments).out.startswith("meta-tensor-doctor ")


def test_help_is_a_word_too(doctor: Doctor) -> None:
    assert doctor("help").out == doctor("--help").out
    assert doctor("help", "check").out == doctor("check", "--help").out


def test_a_report_called_as_an_interpreter_is_read(doctor: Doctor, tmp_path: Path, no_torch_stack: Path) -> None:
    report = doctor("--python", no_torch_stack, "--no-live", "--format", "json").out
    for name in ("python3.12-report.json", "python", "python3", "bash"):
        (tmp_path / name).write_text(report)
        (tmp_path / name).chmod(0o755)
        ran = doctor("compare", name, name)
        assert (ran.code, ran.out) == (0, "No difference that doctor can see.\n")


@pytest.mark.parametrize(("variables", "traceback"), [({}, False), ({"DOCTOR_DEBUG": "1"}, True)])
def test_a_fault_of_doctors_own_is_one_line_and_exit_code_2(variables: dict[str, str], traceback: bool) -> None:
    code = (
        "import sys\nfrom doctor.commands import check\nfrom doctor import cli\n"
        "def broken(options): raise RuntimeError('two\\nlines')\ncheck._run = broken\nsys.exit(cli.main(['check']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**variables, "PATH": ""})
    assert ("Traceback" in done.stderr) is traceback
    if not traceback:
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "RuntimeError: two lines" in line
