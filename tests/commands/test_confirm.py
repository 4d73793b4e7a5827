"""doctor confirm, on real environments with the real reproducers."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest

from doctor.reports.json import published_schemas
from tests.conftest import Doctor

# One of each sort: silent, error, misuse, a race, from both packages; what each does on which release is in data/evidence.
SOME = ("MT002", "MT016", "MT050", "MT057", "MT070", "MT080")


def confirm(doctor: Doctor, *arguments: object) -> Any:
    ran = doctor("confirm", *arguments, "--format", "json")
    jsonschema.validate(ran.json, json.loads(published_schemas()["report.schema.json"]))
    assert ran.json["exit_code"] == ran.code
    return ran.json


def statuses(report: Any) -> dict[str, str]:
    return {finding["id"]: finding["status"] for finding in report["findings"]}


def verdicts(report: Any) -> dict[str, str]:
    return {observation["id"]: observation["verdict"] for observation in report["observations"]}


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("old_stack", {"MT050": "reproduced", "MT057": "reproduced", "MT070": "reproduced", "MT080": "reproduced", "MT002": "not reproduced"}),
        ("middle_stack", {"MT002": "reproduced", "MT057": "reproduced", "MT080": "reproduced", "MT016": "not reproduced"}),
        (
            "current_stack",
            {"MT016": "reproduced", "MT080": "reproduced", "MT057": "not reproduced", "MT070": "not reproduced", "MT002": "not reproduced"},
        ),
    ],
)
def test_reproducers_fail_where_the_matrix_says_and_pass_elsewhere(
    doctor: Doctor, stack: str, expected: dict[str, str], request: pytest.FixtureRequest
) -> None:
    """Three releases of transformers, three of accelerate."""
    report = confirm(doctor, *SOME, "--python", request.getfixturevalue(stack))
    seen = verdicts(report)
    assert {advisory_id: seen[advisory_id] for advisory_id in expected} == expected
    found = statuses(report)
    assert {each for each, status in found.items() if status == "confirmed"} == {each for each in found if seen[each] == "reproduced"}
    assert report["exit_code"] == 1


def test_a_patched_library_clears_the_finding(doctor: Doctor, old_stack: Path, tmp_path: Path) -> None:
    """The environment is the old stack, with one function of accelerate mended by hand and its version left as it was."""
    home = tmp_path / "patched"
    venv.create(home, with_pip=False)
    (ours,), (theirs,) = (list(each.glob("lib/python3*/site-packages")) for each in (home, old_stack))
    for entry in theirs.iterdir():
        if entry.name.startswith("accelerate"):
            shutil.copytree(entry, ours / entry.name)
        elif not (ours / entry.name).exists():
            (ours / entry.name).symlink_to(entry)
    modeling = ours / "accelerate" / "utils" / "modeling.py"
    faulty = "non_persistent_buffers_set = module._non_persistent_buffers_set"
    text = modeling.read_text()
    assert text.count(faulty) == 1
    modeling.write_text(text.replace(faulty, "non_persistent_buffers_set = set(module._non_persistent_buffers_set)"))
    report = confirm(doctor, "MT057", "--python", home)
    assert statuses(report) == {"MT057": "cleared"}
    assert report["findings"][0]["observed"].startswith("not reproduced: ")
    assert report["upgrade"]["changes"] == []
    assert report["exit_code"] == 0
    assert "Cleared here" in doctor("confirm", "MT057", "--python", home).out


def test_without_ids_every_finding_that_has_a_reproducer_is_run(doctor: Doctor, tmp_path: Path) -> None:
    """On an environment where torch cannot be imported, that is the answer, and nothing is run."""
    home = tmp_path / "sick"
    venv.create(home, with_pip=False)
    (site_packages,) = home.glob("lib/python3*/site-packages")
    (site_packages / "torch").mkdir()
    (site_packages / "torch" / "__init__.py").write_text("raise ImportError('libcudart.so.12: cannot open shared object file')\n")
    info = site_packages / "torch-2.9.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.9.0\n")
    report = confirm(doctor, "--python", home)
    assert "IN008" in statuses(report)
    assert report["observations"] == []
    assert set(statuses(report).values()) <= {"affected", "possible"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_ctrl_c_leaves_no_reproducer_behind(old_stack: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "doctor", "confirm", "MT002", "MT003", "MT023", "--python", old_stack], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    doctor, deadline = psutil.Process(process.pid), time.monotonic() + 60
    while not (running := _reproducers_under(doctor)) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert running
    _, left = psutil.wait_procs(running, timeout=5)
    assert [each for each in left if each.status() != psutil.STATUS_ZOMBIE] == []


def _reproducers_under(doctor: psutil.Process) -> list[psutil.Process]:
    """The runner and what it has forked, once it has."""
    with contextlib.suppress(psutil.NoSuchProcess):
        runners = [each for each in doctor.children(recursive=True) if any(part.endswith("_run.py") for part in each.cmdline())]
        if len(runners) > 1:
            return runners
    return []


def test_an_advisory_without_a_reproducer_cannot_be_confirmed(doctor: Doctor) -> None:
    ran = doctor("confirm", "MT001", "--python", sys.executable)
    assert ran.code == 2
    assert ran.err.startswith("doctor: MT001: no reproducer, so nothing to confirm")
