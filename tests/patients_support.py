"""Patients: small broken environments. Each folder of `tests/patients` is one, named for its flaw.

A patient is the environment of `healthy/`, less what its `expected.json` lists under `without`, with the files of its own
`site-packages/` laid over it; doctor is started in a copy of its `cwd/`. To add a case, add a folder.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "patients"


@dataclass(frozen=True)
class Expected:
    """What must be said of a patient: the keys of `expected.json`. Where a text is expected, `{"has": "part of it"}` will do."""

    about: str
    """What is wrong with it, and why that matters."""
    exit_code: int
    without: Sequence[str] = ()
    """What of `healthy/site-packages` is not there, as glob patterns."""
    arguments: Sequence[str] = ()
    """Given to doctor besides the usual ones."""
    installation: Sequence[str] = ()
    """The ids of all findings about the installation itself."""
    advisories: Mapping[str, str] = field(default_factory=dict)
    """Id and status of advisories that must be among the findings."""
    torch: Mapping[str, Any] = field(default_factory=dict)
    """Some of the report's `environment.torch`."""
    packages: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Some of the report's `environment.packages`, and some of each; null for what must not be there."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Some of the facts that could not be had, and part of the reason."""
    says: Sequence[str] = ()
    """What stands in the report at the terminal, line breaks aside."""
    never: Sequence[str] = ()
    """What must stand in no output."""
    stderr: str | None = None
    """Part of the one line on stderr, where there can be no report."""


@dataclass(frozen=True)
class Patient:
    name: str
    expected: Expected

    def make(self, base: Path, folder: Path) -> Path:
        """The home of the patient as a real environment, in `folder`, made of a bare virtual environment; `folder / "cwd"` is where to start."""
        home = folder / "patient"
        shutil.copytree(base, home, symlinks=True)
        packages = site_packages(home)
        shutil.copytree(_FOLDER / "healthy" / "site-packages", packages, dirs_exist_ok=True)
        for pattern in self.expected.without:
            for unwanted in list(packages.glob(pattern)):
                _remove(unwanted)
        for own, target in (("site-packages", packages), ("cwd", folder / "cwd")):
            target.mkdir(exist_ok=True)
            if (_FOLDER / self.name / own).is_dir():
                shutil.copytree(_FOLDER / self.name / own, target, dirs_exist_ok=True)
        return home


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def all_patients() -> list[Patient]:
    return [_patient(folder) for folder in sorted(_FOLDER.iterdir()) if folder.is_dir()]


def _patient(folder: Path) -> Patient:
    described: dict[str, Any] = json.loads((folder / "expected.json").read_text("utf-8"))
    return Patient(folder.name, Expected(**described))


def bare_environment(home: Path) -> Path:
    """A virtual environment without pip, made by this interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    return home


def site_packages(home: Path) -> Path:
    (found,) = (*home.glob("Lib/site-packages"), *home.glob("lib/python3*/site-packages"))
    return found


def agrees(actual: Any, expected: Any) -> bool:
    """Whether what is said is what was expected, in the words of `Expected`."""
    if isinstance(expected, Mapping) and "has" in expected:
        return isinstance(actual, str) and expected["has"] in actual
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(agrees(actual.get(key), value) for key, value in expected.items())
    return bool(actual == expected)
