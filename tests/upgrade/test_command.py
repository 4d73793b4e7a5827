from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from doctor.facts.environment import Manager, Python
from doctor.upgrade.command import upgrade_command
from doctor.upgrade.plan import Change
from tests.environments import environment, with_distribution

HERE = environment(torch="2.9+cpu", transformers="4.46.3", accelerate="1.0.1")
CHANGES = (Change("transformers", "4.46.3", "4.57.6", (), "4.57.6"), Change("accelerate", "1.0.1", "1.15.0", (), "1.15.0"))
PINS = "transformers==4.57.6 accelerate==1.15.0"


@pytest.mark.parametrize(
    ("manager", "expected"),
    [
        (Manager("pip"), f"/home/ann/venv/bin/python -m pip install {PINS}"),
        (Manager("uv"), f"uv pip install --python /home/ann/venv/bin/python {PINS}"),
        (Manager("uv-project", "/home/ann/app"), f"uv add --project /home/ann/app {PINS}"),
        (Manager("poetry", "/home/ann/app"), f"poetry add --directory /home/ann/app {PINS}"),
        (Manager("pdm", "/home/ann/app"), f"pdm add --project /home/ann/app {PINS}"),
        (Manager("pixi", "/home/ann/app"), f"pixi add --manifest-path /home/ann/app --pypi {PINS}"),
    ],
)
def test_the_command_is_of_the_installer_that_made_the_environment(manager: Manager, expected: str) -> None:
    assert upgrade_command(CHANGES, replace(HERE, manager=manager)) == expected


def test_what_conda_installed_is_upgraded_by_conda_and_the_rest_by_pip() -> None:
    here = with_distribution(HERE, "accelerate", installer="conda")
    assert upgrade_command(CHANGES, here) == (
        "conda install --prefix /home/ann/venv accelerate=1.15.0 && /home/ann/venv/bin/python -m pip install transformers==4.57.6"
    )


def test_a_cpu_build_of_torch_stays_one() -> None:
    command = upgrade_command((Change("torch", "2.1.0+cpu", "2.4.0", (), "2.4.0"),), environment(torch="2.1.0+cpu"))
    assert command == "/home/ann/venv/bin/python -m pip install torch==2.4.0+cpu --extra-index-url https://download.pytorch.org/whl/cpu"


@pytest.mark.parametrize(
    ("manager", "expected"),
    [
        ("pip", f"pip install {PINS}"),
        ("uv", f"uv pip install {PINS}"),
        ("uv-project", f"uv add {PINS}"),
        ("poetry", f"poetry add {PINS}"),
        ("pdm", f"pdm add {PINS}"),
        ("pixi", f"pixi add --pypi {PINS}"),
    ],
)
def test_without_an_interpreter_the_command_is_aimed_at_none(manager: Any, expected: str) -> None:
    read = replace(HERE, python=Python(None, None, None, None, "read from a text"), manager=Manager(manager))
    assert upgrade_command(CHANGES, read) == expected
    by_conda = with_distribution(read, "accelerate", installer="conda")
    assert (upgrade_command(CHANGES[1:], by_conda) or "") == "conda install accelerate=1.15.0"


def test_nothing_to_change_is_no_command() -> None:
    assert upgrade_command((), HERE) is None


@pytest.mark.parametrize("python", ["/opt/my envs/a'b/bin/python", "/opt/$HOME/bin/python"])
def test_the_command_survives_being_pasted(python: str) -> None:
    here = replace(HERE, python=replace(HERE.python, executable=python))
    command = upgrade_command(CHANGES, here)
    assert command is not None
    assert shlex.split(command)[0] == python
