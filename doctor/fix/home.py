"""Where the patient keeps its packages, and whether doctor may change them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen
from doctor.fix.inventory import Inventory, inventory_of
from doctor.knowledge import schema
from doctor.probe.answers import json_answers, last_line
from doctor.probe.child import INSIDE, Child, script_command
from doctor.probe.interpreter import Patient

_SECONDS = 20.0
_PEP_668 = "https://packaging.python.org/en/latest/specifications/externally-managed-environments/"


class _Facts(Frozen):
    prefix: str
    base_prefix: str
    roots: tuple[str, ...]
    externally_managed: bool
    markers: Mapping[str, str]


class Home(Frozen):
    """An environment, as one that could be changed."""

    executable: str
    """Its interpreter."""
    prefix: Path
    """Its folder."""
    roots: tuple[Path, ...]
    """The folders that installers fill: for packages and for scripts."""
    markers: Mapping[str, str]
    """What environment markers are evaluated with."""
    path: tuple[Path, ...]
    """The module search path."""
    virtual: bool
    """Whether it is a virtual environment (PEP 405)."""
    externally_managed: bool
    """Whether it says that only the system's package manager may change it (PEP 668)."""

    @property
    def is_conda(self) -> bool:
        """Whether it is an environment of conda's, the base or another."""
        return os.path.isdir(self.prefix / "conda-meta")

    def inventory(self) -> Inventory:
        """What is installed now."""
        return inventory_of(self.path)

    def holds(self, path: Path) -> bool:
        """Whether a path lies within the environment, wherever links lead."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.prefix))


def home_of(patient: Patient) -> Home:
    """The home of an interpreter that was asked already. Raises `DoctorError` when it does not answer."""
    executable = patient.python.executable
    assert executable is not None
    try:
        with Child(script_command(executable, INSIDE / "home_facts.py", _SECONDS), _SECONDS) as child:
            outcome = child.wait()
    except OSError as error:
        raise DoctorError(f"{executable} cannot be run: {error.strerror or error}") from None
    data = json_answers(outcome.stdout)
    if any(schema.mismatches(_Facts, data)):
        raise DoctorError(f"{executable} does not say where it keeps its packages ({last_line(outcome.stderr, 200) or outcome.ending})")
    facts: _Facts = schema.construct(_Facts, data)
    roots = tuple(dict.fromkeys(Path(each) for each in facts.roots))
    virtual = facts.prefix != facts.base_prefix
    return Home(executable, Path(facts.prefix), roots, facts.markers, patient.path, virtual, facts.externally_managed)


def refusal(home: Home) -> str | None:
    """Why nothing may be changed in an environment, and what to do instead; None when it may."""
    return next(_refusals(home), None)


def _refusals(home: Home) -> Iterator[str]:
    instead = "make an environment of your own and examine that: python3 -m venv .venv"
    if home.externally_managed:
        yield f"this Python belongs to the operating system, which says so in EXTERNALLY-MANAGED ({_PEP_668}); {instead}"
    if home.is_conda and (os.path.isdir(home.prefix / "condabin") or os.path.isdir(home.prefix / "envs")):
        yield "this is conda's base environment, which conda itself runs in; make one of your own: conda create --name NAME python"
    if not home.virtual and not home.is_conda:
        yield f"this Python is no virtual environment, so other programs may use its packages; {instead}"
    for folder in (home.prefix, *home.roots):
        why = _not_writable(folder)
        if why:
            yield f"{folder} cannot be written to ({why}); ask whoever made this environment, or make one of your own: python3 -m venv .venv"


def _not_writable(folder: Path) -> str | None:
    """Why no file can be made in a folder; None when one can. Permissions alone do not tell: of root, of a read-only file system."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
