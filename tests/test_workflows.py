"""The workflows of .github, and the jobs that docs/ci.md shows, are as the schemas of their hosts have them; what they run is there."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_action import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
CHAPTERS = (ROOT / "docs" / "ci.md").read_text("utf-8").split("\n## ")[1:]
SHOWN = {each.partition("\n")[0]: re.findall(r"```yaml\n(.*?)```", each, re.DOTALL) for each in CHAPTERS}


def _fits(schema: str, file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout


def _workflow(name: str) -> Any:
    return yaml.safe_load((WORKFLOWS / name).read_text("utf-8"))


@pytest.mark.parametrize("file", sorted(WORKFLOWS.iterdir()), ids=lambda file: file.name)
def test_a_workflow_is_one(file: Path) -> None:
    _fits("vendor.github-workflows", file)
    for job in yaml.safe_load(file.read_text("utf-8"))["jobs"].values():
        assert job["timeout-minutes"]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", each["uses"]) for each in job["steps"] if "uses" in each)


def test_the_action_is_one() -> None:
    _fits("vendor.github-actions", ROOT / "action.yml")


@pytest.mark.parametrize(("title", "schema"), [("GitHub", "vendor.github-workflows"), ("GitLab", "vendor.gitlab-ci")])
def test_what_the_page_shows_is_a_job(title: str, schema: str, tmp_path: Path) -> None:
    (block,) = SHOWN[title]
    (tmp_path / "job.yml").write_text(block)
    _fits(schema, tmp_path / "job.yml")


def test_the_tests_run_everywhere() -> None:
    matrix = _workflow("tests.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert {each.partition("-")[0] for each in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13"]


def test_what_the_weekly_look_runs_is_there() -> None:
    steps = [each.get("run", "") for each in _workflow("releases.yml")["jobs"]["follow"]["steps"]]
    modules = re.findall(r"python -m (tools\.\w+)", "\n".join(steps))
    assert modules == ["tools.follow_releases", "tools.fingerprints", "tools.evidence_levels"]
    for each in modules:
        assert importlib.util.find_spec(each) is not None
    asked = subprocess.run([sys.executable, "-m", modules[0], "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "--report" in asked


@pytest.mark.skipif(sys.platform == "win32", reason="the workflow's step is run by bash")
@pytest.mark.parametrize("changed", [True, False])
def test_what_new_releases_change_is_proposed(tmp_path: Path, changed: bool) -> None:
    *_, step = _workflow("releases.yml")["jobs"]["follow"]["steps"]
    clone, origin = tmp_path / "clone", tmp_path / "origin"
    calls = tmp_path / "calls"
    (tmp_path / "gh").write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "changes.md").write_text("transformers 9.0.0 is new\n")
    variables = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path), "HOME": str(tmp_path)}

    def git(*arguments: str, cwd: Path = clone) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(["git", *identity, *arguments], cwd=cwd, env=variables, capture_output=True, text=True, check=True).stdout

    git("init", "--quiet", "--bare", str(origin), cwd=tmp_path)
    git("clone", "--quiet", str(origin), str(clone), cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "--message", "first")
    if changed:
        (clone / "releases.json").write_text("{}\n")
    subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=clone, env=variables, check=True, capture_output=True)
    branches = git("branch", "--list", cwd=origin).split()
    assert len(branches) == changed
    if changed:
        assert git("show", "--stat", "--format=", branches[0], cwd=origin).startswith(" releases.json")
        assert calls.read_text().startswith("pr create --title")
