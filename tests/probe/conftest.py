"""Fixtures: real interpreters and what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.patients_support import bare_environment


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing in it."""
    return bare_environment(tmp_path_factory.mktemp("bare") / "venv")
