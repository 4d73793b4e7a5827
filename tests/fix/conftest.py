"""Environments of small packages with real names, from an index of our own, and a matrix that knows what is wrong with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import uv

from doctor.reports.json import published_schemas
from tests.conftest import Doctor, Ran
from tests.fix.index import Index, served

MATRIX = """\
schema_version: 1
version: test
packages:
  torch: {checked_up_to: "2.13.0"}
  transformers: {checked_up_to: "5.24.0"}
  accelerate: {checked_up_to: "1.15.0"}
  peft: {checked_up_to: "0.21.2"}
advisories:
"""
ADVISORY = """\
  - id: {id}
    slug: {slug}
    title: the title of {id}
    kind: {kind}
    severity: error
    affected: [{{package: {package}, ranges: [{ranges}]}}]
    trigger: loading
    apis: [lib.load]
    signature: null
    cause: a cause
    workaround: go round it
    references: [https://example.org/{id}]
    evidence: {{level: reported, basis: a test}}
    when: {when}
"""


def advisory(
    advisory_id: str, package: str, *ranges: str, when: str = "{packages: [{package: torch, installed: true}]}", kind: str = "incompatibility"
) -> str:
    """An advisory that concerns whoever has these versions; a range is `introduced,fixed`, with `-` for an open end."""
    bounds = (each.split(",") for each in ranges)
    events = ", ".join(f"{{introduced: {_quoted(start)}, fixed: {_quoted(end)}}}" for start, end in bounds)
    return ADVISORY.format(id=advisory_id, slug=f"{package}-{advisory_id.lower()}", kind=kind, package=package, ranges=events, when=when)


def _quoted(version: str) -> str:
    return "null" if version == "-" else f'"{version}"'


OLD_ACCELERATE = advisory("MT901", "accelerate", "-,1.1.0")


@pytest.fixture
def index() -> Iterator[Index]:
    """An index with a few releases of what loads models."""
    with served(Index()) as index:
        index.add("torch", "2.1.0+cpu", "2.4.0+cpu", "2.13.0+cpu")
        index.add("accelerate", "1.0.0", "1.0.1", "1.1.0", "1.1.1", "1.15.0")
        index.add("transformers", "4.46.3", "4.57.6", "5.24.0", requires=["accelerate"])
        yield index


@dataclass(frozen=True)
class Patient:
    """An environment of the tests' own."""

    home: Path
    installer: str
    variables: Mapping[str, str]
    """With which installers find the index, and nothing else."""

    @property
    def python(self) -> Path:
        return self.home / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        (found,) = self.home.glob("lib/python3*/site-packages")
        return found

    def install(self, *requirements: object) -> None:
        """With the installer that made it."""
        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", self.python, *requirements]
        if self.installer == "pip":
            command = [self.python, "-m", "pip", "install", "--quiet", *requirements]
        self.run(*command)

    def run(self, *command: object) -> str:
        return subprocess.run([str(each) for each in command], check=True, capture_output=True, text=True, env=self.environment).stdout

    @property
    def environment(self) -> dict[str, str]:
        return {**{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}, **self.variables}

    def freeze(self) -> str:
        """What `freeze` says, which undoing has to bring back byte for byte."""
        if self.installer == "pip":
            return self.run(self.python, "-m", "pip", "freeze")
        return self.run(uv.find_uv_bin(), "pip", "freeze", "--python", self.python)

    def tree(self) -> dict[str, str]:
        """Every file of it with its content, but byte-code, and what the next fix clears away that was killed before it touched anything."""
        files = (each for each in self.home.rglob("*") if each.is_file() and not {"__pycache__", ".doctor-fix.new"} & set(each.parts))
        return {str(each.relative_to(self.home)): each.read_bytes().hex() for each in files}


Knowing = Callable[..., "Fixing"]
Make = Callable[..., Patient]


@pytest.fixture
def make(index: Index, tmp_path: Path) -> Make:
    """Makes an environment with these requirements, by pip or uv."""

    def made(*requirements: str, installer: str = "uv", name: str = "patient") -> Patient:
        variables = {
            "PIP_INDEX_URL": index.url,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_DEFAULT_INDEX": index.url,
            "UV_NO_CONFIG": "1",
            "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
            "UV_HTTP_RETRIES": "0",
            "PIP_RETRIES": "1",
        }
        home = tmp_path / name / ".venv"
        subprocess.run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, home], check=True, env={**os.environ, **variables})
        patient = Patient(home, installer, variables)
        if installer == "pip":
            for part in (_pip(), *_pip().parent.glob("pip-*.dist-info")):
                shutil.copytree(part, patient.site_packages / part.name)  # with its byte-code, which costs each test seconds to make
        patient.install(*requirements)
        return patient

    return made


def _pip() -> Path:
    import pip

    return Path(pip.__file__).parent


@dataclass(frozen=True)
class Fixing:
    """Runs `doctor fix` on a patient."""

    doctor: Doctor
    matrix: Path

    def __call__(
        self, patient: Patient, *arguments: object, code: int | None = None, variables: Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        """The report, held against its published schema and its own exit code."""
        ran = self.shown(patient, "--format", "json", *arguments, variables=variables, **options)
        assert ran.out, ran.err
        jsonschema.validate(ran.json, json.loads(published_schemas()["fix.schema.json"]))
        assert ran.json["exit_code"] == ran.code
        assert code is None or ran.code == code, ran.out
        return ran.json

    def shown(self, patient: Patient, *arguments: object, variables: Mapping[str, str] | None = None, **options: Any) -> Ran:
        """What a person sees."""
        matrix = [] if "--undo" in arguments else ["--matrix", self.matrix]
        return self.doctor(
            "fix", "--python", patient.home, *matrix, *arguments, variables={**patient.variables, **(variables or {})}, seconds=600, **options
        )

    def check(self, patient: Patient) -> Any:
        """The report of `doctor check`."""
        return self.doctor("check", "--python", patient.home, "--matrix", self.matrix, "--format", "json", variables=patient.variables).json


@pytest.fixture
def knowing(doctor: Doctor, tmp_path: Path) -> Callable[..., Fixing]:
    """Makes a doctor that knows these advisories."""

    def made(*advisories: str) -> Fixing:
        file = tmp_path / "matrix.yaml"
        file.write_text(MATRIX + "".join(advisories))
        return Fixing(doctor, file)

    return made
