"""Which interpreter is the patient, and what it says of itself."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.errors import DoctorError
from doctor.facts.environment import Python, Unknown
from doctor.facts.frozen import Frozen
from doctor.knowledge import schema
from doctor.probe.answers import json_answers, last_line
from doctor.probe.deadline import NEVER, Deadline
from doctor.probe.layout import VERSION, WINDOWS, layout_of, prefix_of, pyvenv_configuration, sees_system, site_packages, without_repeats

if TYPE_CHECKING:
    from doctor.probe.child import Outcome

FACTS_TIMEOUT_SECONDS = 20.0
_START_UP_SECONDS = 5.0
"""At most, for finding out what keeps an interpreter from starting."""


class NoInterpreter(DoctorError):
    """There is no interpreter to examine where the user pointed."""


class Choice(Frozen):
    """An interpreter and why it was chosen."""

    executable: Path
    because: str


class Patient(Frozen):
    """The interpreter examined, and its module search path."""

    python: Python
    path: tuple[Path, ...]
    unknown: tuple[Unknown, ...] = ()
    """What of the path could not be had."""
    starts: bool = True
    """False where it was to be run, but does not get to the end of its start."""


class _Start(Frozen):
    """How far an interpreter gets that does not start."""

    version: str
    implementation: str
    running: str | None
    """The file of the patient's that it does not get past; None when it is none."""


class _Facts(Frozen):
    version: str
    implementation: str
    prefix: str
    path: tuple[str, ...]


def choose_interpreter(asked: str | None, variables: Mapping[str, str], directory: Path, own: Path | None = None) -> Choice:
    """The interpreter the user means: the one asked for, the active one, the project's, the one on PATH, and only then our `own`.

    Raises `NoInterpreter` when the user points at something that is none; we never go on to examine another one instead.
    """
    if asked is not None:
        return Choice(_asked(asked), "named with --python")
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        folder = variables.get(variable)
        if folder:
            found = python_in(Path(folder))
            if found is None:
                raise NoInterpreter(f"{variable} points at {folder}, where there is no interpreter: activate again, or name one with --python")
            return Choice(found, f"{variable} is set")
    for parent in (directory, *directory.parents):
        found = python_in(parent / ".venv")
        if found is not None:
            return Choice(found, f".venv in {parent}" if parent != directory else ".venv in the current folder")
        if os.path.isfile(parent / ".venv" / "pyvenv.cfg"):
            raise NoInterpreter(f"the .venv in {parent} has lost its interpreter: make it again, or name one with --python")
    own = own or Path(sys.executable)
    return _on_path(variables, own) or Choice(own, "the interpreter doctor itself runs in: no other was found")


def _asked(asked: str) -> Path:
    path = os.path.expanduser(asked)
    if os.path.isdir(path):
        found = python_in(Path(path)) or python_in(Path(path, ".venv"))
        if found is None:
            raise NoInterpreter(f"{asked} is a folder without an interpreter: name a virtual environment, or a python executable")
        return found
    if os.path.isfile(path):
        if os.access(path, os.X_OK):
            return Path(os.path.abspath(path))
        raise NoInterpreter(f"{asked} is not executable: name a python executable or the folder of a virtual environment")
    on_path = shutil.which(asked) if os.path.basename(asked) == asked else None
    if on_path is None:
        raise NoInterpreter(f"{asked or 'an empty --python'} does not exist: name a python executable or the folder of a virtual environment")
    return Path(on_path)


def python_in(folder: Path, windows: bool = WINDOWS) -> Path | None:
    """The interpreter of a virtual or conda environment. Not resolved: the link in a venv is what makes it that venv."""
    # `uv run --with doctor` lays an environment of its own over the one that is meant.
    meant = (pyvenv_configuration(folder) or {}).get("extends-environment", folder)
    names = ("Scripts/python.exe", "python.exe") if windows else ("bin/python", "bin/python3")
    candidates = (Path(os.path.abspath(meant)) / name for name in names)
    return next((each for each in candidates if os.path.isfile(each) and os.access(each, os.X_OK)), None)


def _on_path(variables: Mapping[str, str], own: Path) -> Choice | None:
    """The first interpreter on PATH, passing over the one that `uvx` puts first there: doctor's own, made for doctor alone."""
    folders = variables.get("PATH", os.defpath).split(os.pathsep)
    if _is_for_doctor_alone(own):
        folders = [each for each in folders if os.path.realpath(each) != os.path.realpath(own.parent)]
    for name in ("python", "python3"):
        found = shutil.which(name, path=os.pathsep.join(folders))
        if found is not None:
            return Choice(Path(os.path.abspath(found)), f"`{name}` on PATH")
    return None


def _is_for_doctor_alone(own: Path) -> bool:
    """Whether `own` is of a virtual environment with nothing of the stack in it."""
    prefix = prefix_of(own)
    environment = pyvenv_configuration(prefix)
    if environment is None or sees_system(environment):
        return False
    stack = ("torch*", "transformers*", "accelerate*")
    return not any(True for folder in site_packages(prefix, "3.*") for name in stack for _ in folder.glob(name))


def ask_interpreter(choice: Choice, variables: Mapping[str, str], timeout: float = FACTS_TIMEOUT_SECONDS) -> Patient:
    """The patient as it describes itself within `timeout` seconds; where it does not get so far, as its files describe it.

    Raises `NoInterpreter` when it is no working Python 3.8 or newer.
    """
    outcome = _run(choice, "python_facts.py", timeout)
    facts = next(_facts(outcome.stdout), None)
    if facts is None:
        return _that_does_not_start(choice, variables, _failure(outcome, timeout), min(timeout, _START_UP_SECONDS))
    _refuse_old(choice, facts.version)
    python = Python(str(choice.executable), facts.version, facts.implementation, facts.prefix, choice.because)
    return Patient(python, without_repeats(Path(entry) for entry in facts.path if entry and _can_be_named(entry)))


def _run(choice: Choice, script: str, timeout: float, *options: str) -> Outcome:
    from doctor.probe.child import INSIDE, Child, script_command  # nothing is started for --no-live

    executable, *rest = script_command(str(choice.executable), INSIDE / script, timeout)
    try:
        with Child([executable, *options, *rest], timeout) as child:
            return child.wait()
    except OSError as error:
        raise NoInterpreter(f"{choice.executable} cannot be run: {error.strerror or error}") from None


def _refuse_old(choice: Choice, version: str) -> None:
    if tuple(map(int, version.split(".")[:2])) < (3, 8):
        raise NoInterpreter(f"{choice.executable} is Python {version}: doctor examines Python 3.8 and newer")


def _that_does_not_start(choice: Choice, variables: Mapping[str, str], detail: str, timeout: float) -> Patient:
    """A Python that does not start, with what came of it, as its files describe it. Raises `NoInterpreter` when it is none, or they do not."""
    start = _start(_run(choice, "start_up.py", timeout, "-S").stdout)
    layout = layout_of(choice.executable, variables)
    if start is None or not layout.path:
        raise NoInterpreter(f"{choice.executable} is not a working Python interpreter ({detail}): name another one with --python")
    _refuse_old(choice, start.version)
    python = Python(str(choice.executable), start.version, start.implementation, str(layout.prefix), choice.because)
    where = f"in {start.running} " if start.running else ""
    unknown = Unknown("python", f"this Python does not start: {where}it {detail}", important=True)
    return Patient(python, layout.path, (unknown, *layout.unknown), starts=False)


def _failure(outcome: Outcome, timeout: float) -> str:
    """How it came to no answer, and the last it said that is not of doctor's own making."""
    how = f"did not answer within {timeout:g} s" if outcome.timed_out else f"ended with {outcome.ending}"
    said = last_line(outcome.stderr, 200)
    return f"{how}: {said}" if said and not (outcome.timed_out and said == "KeyboardInterrupt") else how


def _start(stdout: bytes) -> _Start | None:
    data = json_answers(stdout)
    if any(schema.mismatches(_Start, data)) or VERSION.match(data["version"]) is None:
        return None
    start: _Start = schema.construct(_Start, data)
    return start


def _can_be_named(entry: str) -> bool:
    """Whether a file can have this name at all."""
    try:
        return b"\0" not in os.fsencode(entry)
    except UnicodeEncodeError:
        return False


def _facts(stdout: bytes) -> Iterator[_Facts]:
    """What looks like the answer, the last first: start-up files print before it, what runs at exit prints after it."""
    for line in reversed(stdout.decode("utf-8", "replace").splitlines()):
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if any(schema.mismatches(_Facts, data)):
            continue
        version = VERSION.match(data["version"])  # The plus of `3.13.1+`, a build from a branch, is no part of a version.
        if version is not None:
            yield schema.construct(_Facts, {**data, "version": version[0]})


def read_interpreter(choice: Choice, variables: Mapping[str, str], windows: bool = WINDOWS, deadline: Deadline = NEVER) -> Patient:
    """The patient as its files describe it, with nothing of it run (`--no-live`). Raises `NoInterpreter` when they do not."""
    layout = layout_of(choice.executable, variables, windows, deadline)
    if not layout.path:
        raise NoInterpreter(
            f"where {choice.executable} keeps its packages cannot be told without running it: "
            "name the folder of an environment with --python, or leave out --no-live"
        )
    return Patient(Python(str(choice.executable), layout.version, None, str(layout.prefix), choice.because), layout.path, layout.unknown)
