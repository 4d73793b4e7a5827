"""Tracebacks raised on the spot in real environments, dated through the real command."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor.reports.json import published_schemas
from tests.conftest import Doctor
from tests.stacks import CURRENT, OLD, TORCH, python_in

FAILING = """
import traceback, warnings
warnings.simplefilter("ignore")
import torch
from accelerate import init_empty_weights, load_checkpoint_and_dispatch
from transformers import AutoConfig

def moves():
    with init_empty_weights():
        model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    model.to("cpu")

def loads():
    AutoConfig.from_pretrained("./no-such-folder", local_files_only=True)

def dispatches():
    load_checkpoint_and_dispatch(torch.nn.Linear(2, 2, device="meta"), "/no-such-folder", device_map={"": "cpu"})

for fails in (moves, loads, dispatches):
    try:
        fails()
    except Exception:
        traceback.print_exc()
"""
MIDDLE = (TORCH, "transformers==4.57.6", "accelerate==1.10.1")


def version(requirements: tuple[str, ...], distribution: str) -> str:
    (pinned,) = (each.partition("==")[2] for each in requirements if each.startswith(f"{distribution}=="))
    return pinned


@pytest.fixture
def date(doctor: Doctor, tmp_path: Path) -> Callable[..., Any]:
    """Date a text, as JSON held against the published schema."""
    schema = json.loads(published_schemas()["dating.schema.json"])

    def run(text: str) -> Any:
        (tmp_path / "pasted.txt").write_text(text, "utf-8")
        ran = doctor("date", "pasted.txt", "--format", "json", cwd=tmp_path)
        jsonschema.validate(ran.json, schema)
        assert ran.json["exit_code"] == ran.code
        return ran.json

    return run


@pytest.mark.parametrize(("stack", "requirements"), [("old_stack", OLD), ("middle_stack", MIDDLE), ("current_stack", CURRENT)])
def test_what_fails_in_an_environment_gives_its_releases_away(
    stack: str, requirements: tuple[str, ...], date: Callable[..., Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Releases that differ in none of the lines seen cannot be told apart: few are left, the true one among them."""
    python = python_in(request.getfixturevalue(stack))
    text = subprocess.run([python, "-c", FAILING], capture_output=True, text=True, check=True, cwd=tmp_path).stderr
    dated = {each["distribution"]: each for each in date(text)["datings"]}
    for distribution in ("torch", "transformers", "accelerate"):
        assert dated[distribution]["status"] == "dated"
        assert version(requirements, distribution) in dated[distribution]["candidates"]
        assert len(dated[distribution]["candidates"]) <= 6
        assert dated[distribution]["lines"] == dated[distribution]["frames"]


def test_a_terminal_gets_a_line_for_each_distribution(doctor: Doctor, tmp_path: Path) -> None:
    traceback = (
        "Traceback (most recent call last):\n"
        '  File "/venv/lib/python3.12/site-packages/transformers/modeling_utils.py", line 4343, in to\n'
        "    return super().to(*args, **kwargs)\n"
        '  File "/venv/lib/python3.12/site-packages/torch/nn/modules/module.py", line 1326, in convert\n'
        "    return t.to(\n"
        "NotImplementedError: Cannot copy out of meta tensor; no data!\n"
    )
    (tmp_path / "one.txt").write_text(traceback)
    ran = doctor("date", "one.txt", cwd=tmp_path)
    assert ran.code == 0
    assert ran.out == ("torch 2.5.0 or 2.5.1 (1 frame, 1 source line agrees)\ntransformers 4.57.1 to 4.57.6 (1 frame, 1 source line agrees)\n")
    (tmp_path / "one.txt").write_text(traceback.replace("super().to(", "super().to(self, "))
    ran = doctor("date", "one.txt", cwd=tmp_path)
    assert ran.code == 1
    assert "transformers: no release matches; nearest is " in ran.out


def test_a_text_without_frames_says_so(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("it does not work\n")
    ran = doctor("date", "none.txt", cwd=tmp_path)
    assert ran.code == 3
    assert ran.out == "No frame in this text is of a distribution whose releases are told apart by their lines.\n"


def test_a_file_that_cannot_be_read_is_an_error(doctor: Doctor, tmp_path: Path) -> None:
    ran = doctor("date", "absent.txt", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "doctor: absent.txt: cannot be read: No such file or directory\n"
