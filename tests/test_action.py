"""action.yml and the pre-commit hook: what they run, run here as a runner would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Doctor

ROOT = Path(__file__).parent.parent
ACTION: Any = yaml.safe_load((ROOT / "action.yml").read_text())
HOOKS: Any = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
PROGRAM = """\
import torch
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("m", device_map="auto")
model.to_empty(device="cuda")
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the action is run by bash")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that pins what it uses, and throws its weights away."""
    (tmp_path / "requirements.txt").write_text("torch==2.4.1\ntransformers==4.46.3\naccelerate==1.0.1\n")
    (tmp_path / "train.py").write_text(PROGRAM)
    return tmp_path


def _step(project: Path, inputs: Mapping[str, str]) -> tuple[int, str, str, str]:
    """The action's one step: exit code, standard output, job summary and outputs."""
    (step,) = ACTION["runs"]["steps"]
    given: dict[str, str] = {**{name: each["default"] for name, each in ACTION["inputs"].items()}, **inputs}
    variables = {name: given.get(value[len("${{ inputs.") : -len(" }}")], str(ROOT)) for name, value in step["env"].items()}
    scratch = project / "runner"
    (scratch / "doctor" / "bin").mkdir(parents=True, exist_ok=True)
    runner = {"RUNNER_TEMP": str(scratch), "GITHUB_STEP_SUMMARY": str(scratch / "summary.md"), "GITHUB_OUTPUT": str(scratch / "outputs")}
    # The doctor under test stands where the step would install one.
    (scratch / "doctor" / "bin" / "doctor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m doctor "$@"\n')
    (scratch / "doctor" / "bin" / "doctor").chmod(0o755)
    (scratch / "step.sh").write_text(step["run"].replace('python3 -m venv "$RUNNER_TEMP/doctor" && "$RUNNER_TEMP/doctor/bin/python" -m pip', ": pip"))
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", scratch / "step.sh"],
        env={"PATH": os.environ["PATH"], "HOME": str(project), **variables, **runner},
        cwd=project, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    summary, outputs = ((scratch / name).read_text() if (scratch / name).exists() else "" for name in ("summary.md", "outputs"))
    return done.returncode, done.stdout, summary, outputs


def test_what_the_program_sets_off_fails_the_job(project: Path) -> None:
    code, out, summary, outputs = _step(project, {"program": "train.py"})
    assert (code, outputs) == (1, "exit-code=1\n")
    assert "::error file=train.py,line=5" in out
    assert summary.startswith("```text\n")
    assert "MT080" in summary
    (run,) = json.loads((project / "doctor.sarif").read_text())["runs"]
    assert "MT080" in [each["ruleId"] for each in run["results"]]


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("strict", 1), ("sometimes", 2)])
def test_what_fails_the_job_is_chosen(project: Path, fail_on: str, code: int) -> None:
    assert _step(project, {"program": "train.py", "fail-on": fail_on})[0] == code


def test_what_could_not_be_done_fails_it_also_where_nothing_else_does(project: Path) -> None:
    assert _step(project, {"from": "nothing.lock", "fail-on": "never"})[0] == 2


def test_what_is_given_is_never_code(project: Path) -> None:
    _step(project, {"program": "$(touch made) `touch made`; touch made", "arguments": "--ignore $(touch made)"})
    assert not (project / "made").exists()


def test_the_hook_reads_the_changed_programs(doctor: Doctor, project: Path) -> None:
    (hook,) = HOOKS
    ran = doctor(*hook["entry"].split()[1:], "train.py")
    assert ran.code == 1
    assert "train.py:5" in ran.out
