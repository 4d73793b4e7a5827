"""Fixtures: real interpreters and what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.patients_support import all_patients, bare_environment


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing in it."""
    return bare_environment(tmp_path_factory.mktemp("bare") / "venv")


@pytest.fixture
def home(bare: Path, tmp_path: Path) -> Path:
    """The healthy patient."""
    (healthy,) = (patient for patient in all_patients() if patient.name == "healthy")
    return healthy.make(bare, tmp_path)
