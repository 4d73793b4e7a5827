"""Fixtures: the real CLI as a subprocess, and real environments for it to examine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doctor.reports.json import published_schemas
from tests.stacks import CURRENT, MIDDLE, NO_TORCH, OLD, is_made, make_stack

os.environ["DOCTOR_DATA_HOME"] = os.devnull
"""No update of this user's is in the way of the tests."""
_ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX", "COLUMNS", "NO_COLOR", "FORCE_COLOR")


# Tests started in the background by a shell inherit that Ctrl-C is ignored, by nohup that a hang-up is, and so would every process they
# try it on.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Ran:
    """A finished run of the command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Doctor = Callable[..., Ran]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Run the command in an empty folder, with nothing active but what `variables` say."""

    def run(*arguments: object, cwd: Path = tmp_path, variables: Mapping[str, str] | None = None, seconds: float = 120) -> Ran:
        environment = {name: value for name, value in os.environ.items() if name not in _ACTIVE}
        environment.update(variables or {})
        command = [sys.executable, "-m", "doctor", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment, timeout=seconds)
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def check(doctor: Doctor) -> Callable[..., Any]:
    """Run `check --format json`, and hold what it prints against the published schema and its own exit code."""
    schema = json.loads(published_schemas()["report.schema.json"])

    def run(*arguments: object, **options: Any) -> Any:
        ran = doctor("check", "--format", "json", *arguments, **options)
        report = ran.json
        jsonschema.validate(report, schema)
        assert report["exit_code"] == ran.code
        return report

    return run


@pytest.fixture(scope="session")
def stacks(request: pytest.FixtureRequest) -> Callable[[tuple[str, ...]], Path]:
    """Makes a stack, and says so: the first run downloads for minutes."""
    folder = request.config.cache.mkdir("stacks")
    capture: Any = request.config.pluginmanager.get_plugin("capturemanager")

    def make(requirements: tuple[str, ...]) -> Path:
        if not is_made(folder, requirements):
            with capture.global_and_fixture_disabled():
                sys.stderr.write(f"\ninstalling {', '.join(requirements)} once, for tests to examine (this takes a while)\n")
        return make_stack(folder, requirements)

    return make


@pytest.fixture(scope="session")
def old_stack(stacks: Callable[[tuple[str, ...]], Path]) -> Path:
    return stacks(OLD)


@pytest.fixture(scope="session")
def middle_stack(stacks: Callable[[tuple[str, ...]], Path]) -> Path:
    return stacks(MIDDLE)


@pytest.fixture(scope="session")
def current_stack(stacks: Callable[[tuple[str, ...]], Path]) -> Path:
    return stacks(CURRENT)


@pytest.fixture(scope="session")
def no_torch_stack(stacks: Callable[[tuple[str, ...]], Path]) -> Path:
    return stacks(NO_TORCH)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """For one module at a time: as long as it is open, no other event loop can run."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable, args=quiet)
        yield browser
        browser.close()
