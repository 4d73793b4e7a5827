"""`doctor check PROGRAM`: which known problems a program walks into, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Doctor

THREADED = """\
from concurrent.futures import ThreadPoolExecutor
from transformers import AutoModelForCausalLM

def load(name):
    return AutoModelForCausalLM.from_pretrained(name)

with ThreadPoolExecutor(4) as pool:
    models = list(pool.map(load, ["a", "b"]))
"""
PLAIN = "from transformers import AutoModelForCausalLM\n\nmodel = AutoModelForCausalLM.from_pretrained('a')\nmodel.cuda()\n"
OFFLOADED = "from transformers import AutoModel\nmodel = AutoModel.from_pretrained('a', device_map='auto')\nmodel.cuda()\n"

Check = Callable[..., Any]


def concerns(report: Any) -> dict[str, str]:
    return {each["id"]: each["concerns"] for each in report["findings"] if each["concerns"] != "exposure"}


def test_a_program_that_sets_a_problem_off(check: Check, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(THREADED)
    report = check("serve.py", "--python", middle_stack, "--no-live")
    assert concerns(report) == {"MT002": "program"}
    (finding,) = [each for each in report["findings"] if each["id"] == "MT002"]
    source = "return AutoModelForCausalLM.from_pretrained(name)"
    assert finding["places"] == [{"file": "serve.py", "line": 5, "column": 12, "source": source, "sure": "certain"}]
    assert (report["exit_code"], report["verdict"]["outcome"]) == (1, "problem")


def test_a_program_that_sets_none_off(check: Check, middle_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(PLAIN)
    report = check("serve.py", "--python", middle_stack, "--no-live")
    assert report["exit_code"] == 0
    assert "program" not in concerns(report).values()


def test_what_the_code_does_not_say_is_asked(check: Check, doctor: Doctor, current_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(OFFLOADED)
    report = check("serve.py", "--python", current_stack, "--no-live")
    assert concerns(report)["MT072"] == "possible-use"
    assert report["exit_code"] == 0
    (finding,) = [each for each in report["findings"] if each["id"] == "MT072"]
    assert finding["missing"] == ["does all of the model fit, or is a part of it offloaded to the CPU or the disk?"]
    assert doctor("check", "serve.py", "--python", current_stack, "--no-live", "--strict").code == 1


def test_a_folder_with_what_cannot_be_read(doctor: Doctor, current_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "good.py").write_text(PLAIN)
    (tmp_path / "app" / "bad.ipynb").write_text("{")
    ran = doctor("check", "app", "--python", current_stack, "--no-live")
    assert ran.code == 2
    assert ran.err == "doctor: app/bad.ipynb: not a notebook: its JSON is broken, or holds no cells\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing.py", "nothing.py: no such file or folder"), ("empty", "empty: no Python in this folder")],
)
def test_a_name_that_is_none(doctor: Doctor, no_torch_stack: Path, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    ran = doctor("check", name, "--python", no_torch_stack, "--no-live")
    assert (ran.code, ran.out, ran.err) == (2, "", f"doctor: {message}\n")


def test_a_variable_that_the_program_sets(check: Check, old_stack: Path, tmp_path: Path) -> None:
    code = "import os\nos.environ['ACCELERATE_INIT_INCLUDE_BUFFERS'] = '1'\n" + OFFLOADED
    (tmp_path / "serve.py").write_text(code)
    report = check("serve.py", "--python", old_stack, "--no-live")
    assert concerns(report)["MT032"] == "program"
