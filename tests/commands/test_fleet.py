"""`doctor fleet --reports` as a user types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor.facts.environment import Environment, TorchRuntime
from doctor.reports.json import published_schemas
from tests.conftest import Doctor
from tests.environments import with_distribution
from tests.fleet.reports import report_text, write_ranks

DOCS = Path(__file__).parent.parent.parent / "docs"


def broken(here: Environment) -> Environment:
    torch = TorchRuntime(False, error="ImportError: libcudart.so.12: cannot open shared object file")
    return replace(with_distribution(here, "transformers", version="4.53.1"), torch=torch)


def fleet(doctor: Doctor, folder: Path, *more: str) -> Any:
    ran = doctor("fleet", "--reports", folder, "--format", "json", *more)
    jsonschema.validate(ran.json, json.loads(published_schemas()["fleet.schema.json"]))
    assert ran.json["exit_code"] == ran.code
    return ran.json


def test_the_one_rank_of_64_that_differs_is_said_first_and_in_40_lines(doctor: Doctor, tmp_path: Path) -> None:
    write_ranks(tmp_path, 64, {17: broken})
    ran = doctor("fleet", "--reports", tmp_path)
    first = " ".join(ran.out.partition("\n\n")[0].split())
    assert first == "64 ranks: 63 alike; rank 17: transformers 4.53.1 against 4.49.0, torch cannot be imported."
    assert ran.out.count("\n") <= 40
    assert ran.out.index("transformers.version") < ran.out.index("torch.importable")
    assert ran.code == 1


def test_ranks_that_are_alike(doctor: Doctor, tmp_path: Path) -> None:
    write_ranks(tmp_path, 8, {})
    ran = doctor("fleet", "--reports", tmp_path / "*.json")
    assert (ran.code, ran.out) == (0, "8 ranks: all alike.\n")


def test_reports_that_cannot_be_used_are_said_and_do_not_end_it(doctor: Doctor, tmp_path: Path) -> None:
    write_ranks(tmp_path, 4, {})
    whole = (tmp_path / "2.json").read_text()
    (tmp_path / "2.json").write_text(whole[: len(whole) // 2])
    (tmp_path / "3.json").write_bytes(b"\xff\xfe\x00" * 50)
    report = fleet(doctor, tmp_path)
    assert report["exit_code"] == 2
    assert report["answer"].startswith("4 ranks: 2 alike; rank 2: its report is cut short; rank 3: its file holds no report")
    (tmp_path / "3.json").unlink()
    (tmp_path / "2.json").write_text(whole)
    assert [each["rule"] for each in fleet(doctor, tmp_path)["findings"]] == ["ranks-missing"]


def test_of_some_nothing_is_known_and_the_rest_are_alike(doctor: Doctor, tmp_path: Path) -> None:
    for name in ("node-1", "node-2"):
        (tmp_path / f"{name}.json").write_text(report_text())
    (tmp_path / "node-3.json").touch()
    report = fleet(doctor, tmp_path)
    assert (report["answer"], report["exit_code"]) == ("3 reports: 2 alike; node-3: its report is empty.", 2)


def test_what_concerns_all_is_said_last(doctor: Doctor, tmp_path: Path) -> None:
    write_ranks(tmp_path, 3, dict.fromkeys(range(3), broken))
    report = fleet(doctor, tmp_path)
    assert (report["answer"], report["exit_code"]) == ("3 ranks: all alike.", 1)
    assert report["concerning_all"]
    assert "Concerns all of them" in doctor("fleet", "--reports", tmp_path).out


@pytest.mark.parametrize("place", ["not-there", "*.json", "."])
def test_a_place_without_reports_is_an_error(place: str, doctor: Doctor) -> None:
    ran = doctor("fleet", "--reports", place)
    assert (ran.code, ran.out) == (2, "")
    assert "no reports there; docs/fleet.md says" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="the recipe is of a POSIX shell")
def test_each_rank_writes_its_own_report_as_the_recipes_say(doctor: Doctor, tmp_path: Path) -> None:
    """The command that docs/fleet.md gives to torchrun and mpirun, started by a launcher of three lines."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"model_type": "llama"}')
    command = f"exec {sys.executable} -m doctor report --no-live --python {sys.executable} --model {model} --format json -o reports/$RANK.json"
    (tmp_path / "reports").mkdir()
    ranks = [
        subprocess.Popen(["sh", "-c", command], cwd=tmp_path, env={**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "HOSTNAME": "cn0046"})
        for rank in range(2)
    ]
    assert [each.wait(60) for each in ranks] == [0, 0]
    report = fleet(doctor, tmp_path / "reports")
    assert report["answer"] == "2 ranks: all alike."
    assert report["groups"][0]["checkpoint"]["error"] is None
    assert len(report["groups"][0]["checkpoint"]["digest"]) == 32
    assert "cn0046" not in json.dumps(report)


@pytest.mark.skipif(sys.platform == "win32", reason="the recipes are of a POSIX shell")
@pytest.mark.parametrize("launcher", ["torchrun", "mpirun", "srun"])
def test_the_recipes_of_the_page(launcher: str, doctor: Doctor, middle_stack: Path, tmp_path: Path) -> None:
    """Each line of docs/fleet.md as it stands, but for the number of ranks, where its launcher is installed and has a cluster."""
    if launcher == "mpirun" and "Open MPI" not in _said("mpirun", "--version"):
        pytest.skip("Open MPI is not installed")
    if launcher == "srun" and "idle" not in _said("sinfo", "--noheader", "--format=%t"):
        pytest.skip("there is no Slurm whose nodes are idle")
    (block,) = [each for each in re.findall(r"```sh\n(.*?)```", (DOCS / "fleet.md").read_text("utf-8"), re.DOTALL) if "srun --output" in each]
    (line,) = [each for each in block.splitlines() if each.startswith(launcher)]
    line = re.sub(r"(-n|--nproc-per-node) \d+", r"\1 2", line).replace("srun ", "srun -n 2 --overcommit ")
    for folder in ("bin", "model", "reports"):
        (tmp_path / folder).mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "bin" / "doctor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m doctor "$@"\n')
    (tmp_path / "bin" / "doctor").chmod(0o755)
    path = os.pathsep.join((str(tmp_path / "bin"), str(middle_stack / "bin"), os.environ["PATH"]))
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_btl": "self,vader", "OMPI_MCA_oob_tcp_if_include": "lo"}
    variables = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(middle_stack), "PYTHONPATH": str(DOCS.parent), "HOME": str(tmp_path), **root}
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    report = fleet(doctor, tmp_path / "reports")
    assert report["answer"] == "2 ranks: all alike."
    assert [each["checkpoint"]["error"] for each in report["groups"]] == [None]
    assert report["findings"] == []


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
    except OSError:
        return ""


def test_a_model_is_named_for_the_json_alone(doctor: Doctor) -> None:
    ran = doctor("report", "--model", "x", "--no-live")
    assert (ran.code, ran.out) == (2, "")
    assert "--model: only with --format json" in ran.err
