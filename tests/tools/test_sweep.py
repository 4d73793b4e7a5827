"""The sweep's book-keeping, and one release swept for real."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from packaging.version import Version

from doctor.facts.observation import Observation, ShapeObservation, Verdict, in_all_shapes
from doctor.knowledge.evidence import Evidence, SweptEnvironment
from doctor.reproduce import digest
from tests.reproduce.test_run import SCRIPTS, script
from tools import sweep

NOTHING = Evidence(1, {}, {})
HERE = SweptEnvironment("2026-01-01", "3.11.0", {"torch": "2.13.0"}, None)


def seen(evidence: Evidence, version: str, verdict: Verdict, detail: str = "as it was", reproducer: str = "abc") -> Evidence:
    return sweep.with_observations(evidence, "accelerate", version, HERE, [(Observation("MT050", verdict, detail), reproducer)])


def runs(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    return dict(evidence.runs["MT050"]["accelerate"].seen)


def test_releases_that_saw_the_same_stand_together_in_order() -> None:
    evidence = seen(seen(seen(NOTHING, "1.10.0", "reproduced"), "1.9.0", "reproduced"), "1.11.0", "not reproduced")
    assert runs(evidence) == {"reproduced: as it was": ("1.9.0", "1.10.0"), "not reproduced: as it was": ("1.11.0",)}


def test_numbers_in_a_detail_do_not_tell_runs_apart_and_ids_keep_theirs() -> None:
    evidence = seen(seen(NOTHING, "1.0.0", "reproduced", "17 of 23, see MT051"), "1.1.0", "reproduced", "2.5e-3 of 23, see MT051")
    assert runs(evidence) == {"reproduced: # of #, see MT051": ("1.0.0", "1.1.0")}


def test_every_shape_has_its_own_line() -> None:
    shapes = (ShapeObservation("first", "reproduced", "KeyError: 1"), ShapeObservation("last", "not reproduced", "equal"))
    evidence = sweep.with_observations(NOTHING, "accelerate", "1.0.0", HERE, [(in_all_shapes("MT050", shapes), "abc")])
    assert runs(evidence) == {"reproduced [first]: KeyError: #": ("1.0.0",), "not reproduced [last]: equal": ("1.0.0",)}


def test_a_release_run_again_replaces_what_was_seen_there() -> None:
    assert runs(seen(seen(NOTHING, "1.0.0", "broken"), "1.0.0", "reproduced")) == {"reproduced: as it was": ("1.0.0",)}


def test_a_changed_reproducer_begins_anew() -> None:
    evidence = seen(seen(NOTHING, "1.0.0", "reproduced"), "1.1.0", "reproduced", reproducer="def")
    assert runs(evidence) == {"reproduced: as it was": ("1.1.0",)}


def untestable(evidence: Evidence, why: str, date: str = "2026-02-02") -> Evidence:
    environment = SweptEnvironment(date, "3.11.0", {}, why)
    return sweep.with_observations(evidence, "accelerate", "1.0.0", environment, [])


def test_an_index_that_cannot_be_reached_takes_nothing_away_from_a_release_that_ran() -> None:
    evidence = seen(NOTHING, "1.0.0", "reproduced")
    assert untestable(evidence, "cannot be installed: offline") == evidence


def test_what_is_untestable_for_the_same_reason_says_nothing_new_and_for_another_does() -> None:
    evidence = untestable(NOTHING, "cannot be installed: a")
    assert untestable(evidence, "cannot be installed: a", "2026-03-03") == evidence
    assert untestable(evidence, "cannot be installed: b").environments["accelerate"]["1.0.0"].untestable == "cannot be installed: b"


def test_what_was_untestable_and_runs_now_is_no_longer() -> None:
    evidence = seen(untestable(NOTHING, "cannot be installed: a"), "1.0.0", "reproduced")
    assert evidence.environments["accelerate"]["1.0.0"] == HERE


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("OSError: '/some/where/tmp1/model' has no file", "reproduced: OSError: '(place)' has no file"),
        ("Failed to fetch: https://index.example/simple/x", "reproduced: Failed to fetch: (place)"),
        ("on cpu/meta, and/or disk; 1 / 2; a //b", "reproduced: on cpu/meta, and/or disk; # / #; a //b"),
    ],
)
def test_where_it_was_run_is_not_kept(said: str, kept: str) -> None:
    assert list(runs(seen(NOTHING, "1.0.0", "reproduced", said))) == [kept]


def test_it_takes_a_folder_of_scripts_a_number_of_jobs_and_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = script(tmp_path, 50, SCRIPTS["reproduced"])
    calls: list[tuple[str, list[Path], int, str]] = []

    def ran(
        _home: Path, _package: str, requirements: list[str], scripts: dict[str, Path], *, without: list[str], jobs: int, base: str
    ) -> tuple[SweptEnvironment, list[Observation]]:
        assert without == []
        calls.append((requirements[0], list(scripts.values()), jobs, base))
        return HERE, [Observation(each, "reproduced", "as it was") for each in scripts]

    monkeypatch.setattr(sweep, "sweep_release", ran)
    file = tmp_path / "runs.json"
    arguments = ["accelerate", "--scripts", str(tmp_path), "--jobs", "3", "--output", str(file), "--releases", "1.14.0", "1.15.0"]
    sweep.main([*arguments, "--python", "python3.8"])
    assert calls == [("accelerate==1.14.0", [path], 3, "python3.8"), ("accelerate==1.15.0", [path], 3, "python3.8")]
    assert capsys.readouterr().err.startswith("2 of ")
    first = file.read_bytes()
    sweep.main(arguments)
    assert len(calls) == 2
    assert file.read_bytes() == first


def test_a_sweep_of_torch_installs_no_other_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, 80, SCRIPTS["reproduced"])
    wanted: list[list[str]] = []

    def ran(_home: Path, _package: str, requirements: list[str], *_: object, **__: object) -> tuple[SweptEnvironment, list[Observation]]:
        wanted.append(requirements)
        return HERE, []

    monkeypatch.setattr(sweep, "sweep_release", ran)
    arguments = ["torch", "--scripts", str(tmp_path), "--output", str(tmp_path / "runs.json"), "--releases", "2.1.0"]
    sweep.main([*arguments, "--with", "transformers==4.57.6"])
    assert wanted == [["torch==2.1.0", "transformers==4.57.6", "accelerate==1.10.1", "numpy<2"]]


def test_a_torch_that_is_named_takes_the_place_of_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, 2, SCRIPTS["reproduced"])
    wanted: list[list[str]] = []

    def ran(_home: Path, _package: str, requirements: list[str], *_: object, **__: object) -> tuple[SweptEnvironment, list[Observation]]:
        wanted.append(requirements)
        return HERE, []

    monkeypatch.setattr(sweep, "sweep_release", ran)
    arguments = ["transformers", "--scripts", str(tmp_path), "--output", str(tmp_path / "runs.json"), "--releases", "4.52.3"]
    sweep.main([*arguments, "--with", "torch==2.2.2"])
    assert wanted == [["transformers==4.52.3", "torch==2.2.2", "accelerate==1.10.1"]]


def test_only_what_is_missing_or_changed_is_run(tmp_path: Path) -> None:
    path = script(tmp_path, 50, SCRIPTS["reproduced"])
    evidence = seen(NOTHING, "1.0.0", "reproduced", reproducer=digest(path))
    assert sweep.missing(evidence, "accelerate", "1.0.0", {"MT050": path}) == {}
    assert sweep.missing(evidence, "accelerate", "1.1.0", {"MT050": path}) == {"MT050": path}
    path.write_text(path.read_text() + "\n# changed\n")
    assert sweep.missing(evidence, "accelerate", "1.0.0", {"MT050": path}) == {"MT050": path}


def test_a_release_run_with_other_companions_stands_beside_itself() -> None:
    evidence = seen(seen(NOTHING, "1.0.0", "not reproduced"), "1.0.0 with transformers==5.0.0", "reproduced")
    assert runs(evidence) == {"not reproduced: as it was": ("1.0.0",), "reproduced: as it was": ("1.0.0 with transformers==5.0.0",)}


def test_a_package_can_be_left_out_of_an_environment(tmp_path: Path) -> None:
    path = script(tmp_path, 50, "import importlib.util\nreturn reproduced(str(importlib.util.find_spec('packaging')))")
    environment, (observation,) = sweep.sweep_release(tmp_path / "venv", "packaging", ["packaging"], {"MT050": path}, without=["packaging"])
    assert (environment.untestable, observation.detail) == (None, "None")


def test_the_file_is_the_same_to_the_byte_when_nothing_is_new(tmp_path: Path) -> None:
    file = tmp_path / "evidence" / "runs.json"
    evidence = seen(seen(NOTHING, "1.0.0", "reproduced"), "1.1.0", "not reproduced")
    sweep.write_evidence(evidence, file)
    first = file.read_bytes()
    assert sweep.read_evidence(file) == evidence
    sweep.write_evidence(sweep.read_evidence(file), file)
    assert file.read_bytes() == first
    json.loads(first)


def test_neighbours_of_boundaries_are_run_first_and_every_release_once() -> None:
    versions = [Version(text) for text in ("1.0.0", "1.0.1", "1.1.0", "1.1.1", "1.2.0", "1.2.1")]
    order = [str(version) for version in sweep.in_order_of_news(versions, [Version("1.1.0")])]
    assert order == ["1.1.0", "1.0.1", "1.2.1", "1.1.1", "1.2.0", "1.0.0"]


@pytest.mark.parametrize(
    ("package", "version"), [("transformers", "4.30.0"), ("transformers", "5.23.0"), ("accelerate", "0.20.3"), ("accelerate", "1.15.0")]
)
def test_every_release_has_companions(package: str, version: str) -> None:
    assert sweep.companions(package, Version(version))


def test_an_environment_that_cannot_be_made_is_untestable_with_the_reason(tmp_path: Path) -> None:
    path = script(tmp_path, 50, SCRIPTS["reproduced"])
    environment, observed = sweep.sweep_release(tmp_path / "venv", "accelerate", ["accelerate==999.0"], {"MT050": path})
    assert environment.untestable is not None
    assert environment.untestable.startswith("cannot be installed: ")
    assert environment.python == platform.python_version()
    assert observed == []


def test_an_environment_whose_package_cannot_be_imported_is_untestable(tmp_path: Path) -> None:
    """accelerate without torch: with no dependencies installed, its import fails."""
    path = script(tmp_path, 50, SCRIPTS["not reproduced"])
    environment, observed = sweep.sweep_release(tmp_path / "venv", "accelerate", ["accelerate==1.15.0", "--no-deps"], {"MT050": path})
    assert environment.untestable is not None
    assert environment.untestable.startswith("cannot be imported: ModuleNotFoundError")
    assert observed == []


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM to be sent")
def test_a_sweep_that_is_terminated_leaves_neither_its_environment_nor_what_runs_in_it(tmp_path: Path) -> None:
    """As in the background, where Ctrl-C does not arrive. The stand-in for uv says that it was started, and hangs."""
    tools, scratch, started = tmp_path / "bin", tmp_path / "scratch", tmp_path / "started"
    tools.mkdir()
    scratch.mkdir()
    (tools / "uv").write_text(f"#!/bin/sh\necho $$ > {started}.part && mv {started}.part {started}\nexec sleep 60\n")
    (tools / "uv").chmod(0o755)
    script(tmp_path, 50, SCRIPTS["reproduced"])
    command = [sys.executable, "-m", "tools.sweep", "accelerate", "--releases", "1.15.0", "--scripts", str(tmp_path)]
    command += ["--output", str(tmp_path / "runs.json")]
    variables = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(scratch)}
    with subprocess.Popen(command, cwd=Path(sweep.__file__).parents[1], env=variables, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        stand_in = psutil.Process(int(started.read_text()))
        process.terminate()
        assert process.stderr is not None
        assert "goes on from there" in process.stderr.read()
    assert process.returncode == 130
    assert list(scratch.iterdir()) == []
    _, left = psutil.wait_procs([stand_in], timeout=5)
    assert [each for each in left if each.status() != psutil.STATUS_ZOMBIE] == []


@pytest.fixture(autouse=True)
def uv_is_there() -> None:
    if shutil.which("uv") is None and not Path(sys.executable).with_name("uv").exists():
        pytest.fail("uv is needed: pip install -e '.[test]'")
