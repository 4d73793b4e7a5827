"""What put the packages into an environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.facts.environment import Distribution, Manager
from doctor.probe.manager import environment_manager


@pytest.mark.parametrize(
    ("lock", "prefix", "installers", "expected"),
    [
        ("", "venv", "pip", Manager("pip")),
        ("", "venv", "", Manager("pip")),
        ("", "venv", "nobody pip", Manager("pip")),
        ("", "venv", "pip uv", Manager("uv")),
        ("", "envs/base", "conda", Manager("pip")),
        ("project/uv.lock", "project/.venv", "uv", Manager("uv-project", "project")),
        ("project/poetry.lock", "project/.venv", "poetry", Manager("poetry", "project")),
        ("project/pdm.lock", "project/.venv", "pdm", Manager("pdm", "project")),
        ("project/uv.lock", "venv", "pip", Manager("pip")),
        ("poetry.lock", "cache/virtualenvs/x-py3.11", "poetry", Manager("poetry", "")),
        ("poetry.lock", "venv", "pip", Manager("pip")),
        ("", "cache/virtualenvs/x-py3.11", "poetry", Manager("pip")),
        ("project/pixi.lock", "project/.pixi/envs/default", "conda", Manager("pixi", "project")),
    ],
)
def test_the_manager_is_told_by_its_files(tmp_path: Path, lock: str, prefix: str, installers: str, expected: Manager) -> None:
    (tmp_path / prefix).mkdir(parents=True)
    if lock:
        (tmp_path / lock).parent.mkdir(exist_ok=True)
        (tmp_path / lock).touch()
    words = [None if word == "nobody" else word for word in installers.split()]
    distributions = [Distribution(f"package-{number}", "1.0", "metadata", installer=word) for number, word in enumerate(words)]
    project = None if expected.project is None else str(tmp_path / expected.project)
    assert environment_manager(tmp_path / prefix, tmp_path, distributions, has_pip=True) == Manager(expected.name, project)


def test_an_environment_without_pip_is_left_to_uv(tmp_path: Path) -> None:
    assert environment_manager(tmp_path, tmp_path, [], has_pip=False) == Manager("uv")
