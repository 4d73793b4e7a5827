"""Imports run downwards only, from room to room, so that no room can be understood only together with the one above it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import doctor

PACKAGE = Path(doctor.__file__).parent
FLOORS = (
    {"version", "errors", "files"},
    {"facts"},
    {"knowledge"},
    {"probe", "readers", "hazards", "models", "dating", "upgrade", "running"},
    {"reproduce", "diagnosis"},
    {"api", "explain", "fix", "fleet"},
    {"reports"},
    {"site"},
    {"commands"},
    {"cli", "hook", "inspecting", "comparing"},
    {"__main__", "__init__"},
)
"""From the ground up. A room imports what lies below it, and itself."""
_RUN_ELSEWHERE = re.compile(r"probe/inside/|reproduce/(_[a-z]|mt)")
"""Scripts that run in the patient, where doctor is not."""


def _imports(file: Path) -> Iterator[str]:
    """The rooms that a file imports, also for type checking only, and inside functions."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "doctor":
            names = [node.module] if node.module != "doctor" else [f"doctor.{each.name}" for each in node.names]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names if each.name.startswith("doctor.")]
        else:
            continue
        yield from (str(name).split(".")[1] for name in names)


def _room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _files() -> list[Path]:
    files = sorted(PACKAGE.rglob("*.py"))
    return [file for file in files if not _RUN_ELSEWHERE.match(file.relative_to(PACKAGE).as_posix())]


def test_every_room_stands_on_a_floor() -> None:
    assert {_room(file) for file in _files()} == set().union(*FLOORS)


def test_imports_run_downwards_only() -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    upwards = [
        f"{file.relative_to(PACKAGE)} imports {target}"
        for file in _files()
        for target in _imports(file)
        if target != _room(file) and floor[target] >= floor[_room(file)]
    ]
    assert upwards == []
