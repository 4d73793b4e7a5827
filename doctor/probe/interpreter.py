"""Which interpreter is the patient, and where it looks for modules."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from doctor import schema
from doctor.environment import Python
from doctor.errors import DoctorError
from doctor.probe.child import Child

FACTS_TIMEOUT_SECONDS = 20.0
_SCRIPT = Path(__file__).parent / "inside" / "python_facts.py"
_PYTHONS = ("Scripts/python.exe", "python.exe") if os.name == "nt" else ("bin/python", "bin/python3")


class NoInterpreter(DoctorError):
    """There is no interpreter to examine where the user pointed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An interpreter and why it was chosen."""

    executable: Path
    because: str


@dataclass(frozen=True, slots=True)
class Patient:
    """The interpreter examined, and its module search path."""

    python: Python
    path: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    version: str
    implementation: str
    prefix: str
    path: tuple[str, ...]


def choose_interpreter(asked: str | None, variables: Mapping[str, str], directory: Path) -> Choice:
    """The interpreter the user means: the one asked for, the active one, the project's, the one on PATH, and only then ours.

    Raises `NoInterpreter` when the user points at something that is none; we never go on to examine another one instead.
    """
    if asked is not None:
        return Choice(_asked(asked), "named with --python")
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        folder = variables.get(variable)
        if folder:
            found = _python_in(Path(folder))
            if found is None:
                raise NoInterpreter(f"{variable} points at {folder}, where there is no interpreter: activate again, or name one with --python")
            return Choice(found, f"{variable} is set")
    for parent in (directory, *directory.parents):
        found = _python_in(parent / ".venv")
        if found is not None:
            return Choice(found, f".venv in {parent}" if parent != directory else ".venv in the current folder")
    for name in ("python", "python3"):
        on_path = shutil.which(name, path=variables.get("PATH"))
        if on_path is not None:
            return Choice(Path(on_path), f"`{name}` on PATH")
    return Choice(Path(sys.executable), "the interpreter doctor itself runs in: no other was found")


def _asked(asked: str) -> Path:
    path = Path(asked).expanduser()
    if path.is_dir():
        found = _python_in(path)
        if found is None:
            raise NoInterpreter(f"{asked} is a folder without an interpreter: name a virtual environment, or a python executable")
        return found
    if path.is_file():
        if os.access(path, os.X_OK):
            return Path(os.path.abspath(path))
        raise NoInterpreter(f"{asked} is not executable: name a python executable or the folder of a virtual environment")
    on_path = shutil.which(asked) if os.path.basename(asked) == asked else None
    if on_path is None:
        raise NoInterpreter(f"{asked} does not exist: name a python executable or the folder of a virtual environment")
    return Path(on_path)


def _python_in(folder: Path) -> Path | None:
    """The interpreter of a virtual or conda environment. Not resolved: the link in a venv is what makes it that venv."""
    candidates = (Path(os.path.abspath(folder)) / name for name in _PYTHONS)
    return next((each for each in candidates if each.is_file() and os.access(each, os.X_OK)), None)


def ask_interpreter(choice: Choice) -> Patient:
    """The patient as it describes itself. Raises `NoInterpreter` when it is no working Python 3.8 or newer."""
    try:
        with Child([str(choice.executable), str(_SCRIPT)], FACTS_TIMEOUT_SECONDS) as child:
            outcome = child.wait()
    except OSError as error:
        raise NoInterpreter(f"{choice.executable} cannot be run: {error.strerror or error}") from None
    facts = _parsed(outcome.stdout)
    if facts is None:
        how = "did not answer in time" if outcome.timed_out else f"ended with {outcome.ending}"
        said = outcome.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        detail = f"{how}: {said}" if said else how
        raise NoInterpreter(f"{choice.executable} is not a working Python interpreter ({detail}): name another one with --python")
    if tuple(map(int, re.findall(r"\d+", facts.version)[:2])) < (3, 8):
        raise NoInterpreter(f"{choice.executable} is Python {facts.version}: doctor examines Python 3.8 and newer")
    python = Python(str(choice.executable), facts.version, facts.implementation, facts.prefix, choice.because)
    return Patient(python, tuple(Path(entry) for entry in facts.path if entry))


def _parsed(stdout: bytes) -> _Facts | None:
    last = stdout.decode("utf-8", "replace").strip().rpartition("\n")[2]
    try:
        data = json.loads(last)
    except (ValueError, RecursionError):
        return None
    if any(schema.mismatches(_Facts, data)) or not re.match(r"\d+\.\d+", data["version"]):
        return None
    facts: _Facts = schema.construct(_Facts, data)
    return facts


def read_interpreter(choice: Choice) -> Patient:
    """The patient as its files describe it, with nothing of it run (`--no-live`)."""
    prefix = choice.executable.parent if os.name == "nt" else choice.executable.parent.parent
    if os.name == "nt" and choice.executable.parent.name == "Scripts":
        prefix = prefix.parent
    configuration = _pyvenv_configuration(prefix)
    if configuration is None and not _site_packages(prefix):
        prefix = choice.executable.resolve().parent.parent
    path = _site_packages(prefix)
    home = (configuration or {}).get("home")
    if home and (configuration or {}).get("include-system-site-packages", "").lower() == "true":
        path += _site_packages(Path(home).parent)
    version = (configuration or {}).get("version_info") or (configuration or {}).get("version") or _version_by_folder(path)
    match = re.match(r"\d+\.\d+(\.\d+)?", version or "")
    python = Python(str(choice.executable), match[0] if match else None, None, str(prefix), choice.because)
    return Patient(python, tuple(entry for folder in path for entry in (folder, *_paths_added_by(folder))))


def _pyvenv_configuration(prefix: Path) -> dict[str, str] | None:
    """The `key = value` lines of pyvenv.cfg (PEP 405); None when there is no such file."""
    try:
        text = (prefix / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        return None
    lines = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, equals, value in lines if equals}


def _site_packages(prefix: Path) -> list[Path]:
    patterns = ("Lib/site-packages", "lib/python3.*/site-packages", "lib64/python3.*/site-packages", "lib/python3*/dist-packages")
    return [folder for pattern in patterns for folder in sorted(prefix.glob(pattern)) if folder.is_dir()]


def _version_by_folder(path: list[Path]) -> str | None:
    found = (re.fullmatch(r"python(3\.\d+)", folder.parent.name) for folder in path)
    return next((match[1] for match in found if match), None)


def _paths_added_by(folder: Path) -> list[Path]:
    """The folders that .pth files add. Their `import` lines, which Python would execute, are not followed."""
    added = []
    for file in sorted(folder.glob("*.pth")):
        try:
            lines = file.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        added += [folder / line.strip() for line in lines if line.strip() and not line.startswith(("#", "import ", "import\t"))]
    return [each for each in added if each.is_dir()]
