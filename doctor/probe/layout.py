"""An interpreter's files: which environment it is of, and where it looks for modules. Nothing of it is run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from doctor.facts.environment import Unknown
from doctor.facts.frozen import Frozen
from doctor.files import read_file
from doctor.probe.deadline import NEVER, Deadline

WINDOWS = os.name == "nt"
_MAX_BYTES = 64 * 1024
"""Of pyvenv.cfg and of a .pth file."""
_MOST_TOLD = 5
VERSION = re.compile(r"(\d{1,3}\.\d{1,3})(\.\d{1,3}((a|b|rc)\d{1,3})?)?")
_NAMED_FOR_VERSION = re.compile(r"(?:python|pypy)(3\.\d{1,3})")


class Layout(Frozen):
    """What the files around an interpreter say."""

    prefix: Path
    version: str | None
    """As exact as the files tell: `3.11.7`, `3.11`, None."""
    path: tuple[Path, ...]
    """Its module search path without the standard library; empty when there is no telling."""
    unknown: tuple[Unknown, ...] = ()
    """What may add to the path and could not be read."""


def layout_of(executable: Path, variables: Mapping[str, str], windows: bool = WINDOWS, deadline: Deadline = NEVER) -> Layout:
    """The layout of `executable`, were it started with these environment variables."""
    environment = pyvenv_configuration(prefix_of(executable, windows))
    if environment is None:  # No virtual environment: its modules lie beside the file, not beside a link to it.
        executable = Path(os.path.realpath(executable))
    prefix = prefix_of(executable, windows)
    version = _version(environment, executable, site_packages(prefix, "3.*"))
    minor = ".".join(version.split(".")[:2]) if version else "3.*"
    folders = site_packages(prefix, minor)
    if not folders:
        return Layout(prefix, version, ())
    user = [folder for folder in _user_site(variables, minor, windows) if os.path.isdir(folder)]
    if environment is None:
        folders = [*user, *folders]
    elif sees_system(environment):
        base = os.path.realpath(os.path.join(environment.get("home", ""), "python.exe" if windows else "python3"))
        folders += [*user, *site_packages(prefix_of(Path(base), windows), minor)]
    asked = [Path(entry) for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]
    unread: list[str] = []
    path = [*asked, *(each for folder in folders for each in (folder, *_paths_added_by(folder, unread, deadline)))]
    return Layout(prefix, version, without_repeats(path), tuple(_unknown(unread)))


def _unknown(unread: list[str]) -> Iterator[Unknown]:
    for reason in unread[:_MOST_TOLD]:
        yield Unknown("python.path", reason)
    if len(unread) > _MOST_TOLD:
        yield Unknown("python.path", f"{len(unread) - _MOST_TOLD} more .pth files cannot be read")


def prefix_of(executable: Path, windows: bool = WINDOWS) -> Path:
    """The folder of the environment or installation that `executable` lies in."""
    folder = executable.parent
    return folder if windows and folder.name.lower() != "scripts" else folder.parent


def pyvenv_configuration(prefix: Path) -> Mapping[str, str] | None:
    """The `key = value` lines of pyvenv.cfg (PEP 405); None when there is no such file, or what is called so is none."""
    try:
        text = read_file(prefix / "pyvenv.cfg", _MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    lines = (line.partition("=") for line in text.splitlines() if "\0" not in line)
    return {key.strip().lower(): value.strip() for key, equals, value in lines if equals}


def sees_system(environment: Mapping[str, str]) -> bool:
    """Whether a virtual environment also uses the packages of the installation it was made from."""
    return environment.get("include-system-site-packages", "").lower() == "true"


def site_packages(prefix: Path, minor: str) -> list[Path]:
    """The folders for packages below `prefix`, in Python's order; `minor` is `3.11`, or `3.*` when it is not known."""
    if os.path.isdir(prefix / "lib/python3/dist-packages"):  # Debian: what pip installs comes before what apt does
        patterns = [f"local/lib/python{minor}/dist-packages", "lib/python3/dist-packages"]
    else:
        wide = [] if os.path.islink(prefix / "lib64") else ["lib64"]  # in a virtual environment it is a link to lib
        patterns = [f"{folder}/python{minor}/site-packages" for folder in ("local/lib64", "local/lib", *wide, "lib")]  # local: Fedora
        patterns += [f"lib/pypy{minor}/site-packages", "Lib/site-packages"]  # the last: Windows
    return [folder for pattern in patterns for folder in _matching(prefix, pattern) if os.path.isdir(folder)]


def _matching(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:  # A name that is too long for any file to have.
        return []


def without_repeats(path: Iterable[Path]) -> tuple[Path, ...]:
    """`path` with each folder once, however it is named: many systems make lib64 a link to lib."""
    folders: dict[str, Path] = {}
    for entry in path:
        folders.setdefault(os.path.realpath(entry), entry)
    return tuple(folders.values())


def _version(environment: Mapping[str, str] | None, executable: Path, folders: list[Path]) -> str | None:
    if environment is not None:
        match = VERSION.match(environment.get("version_info") or environment.get("version") or "")
        if match is not None:
            return match[0]
    names = [executable.name, *(folder.parent.name for folder in folders)]
    return next((match[1] for name in names if (match := _NAMED_FOR_VERSION.match(name))), None)


def _user_site(variables: Mapping[str, str], minor: str, windows: bool) -> list[Path]:
    """Where `pip install --user` puts packages (see the standard library's `site`)."""
    if variables.get("PYTHONNOUSERSITE"):
        return []
    if windows:
        base = Path(variables.get("PYTHONUSERBASE") or os.path.join(variables.get("APPDATA", "~"), "Python"))
        return [base / f"Python{minor.replace('.', '')}" / "site-packages"]
    home = Path(variables.get("HOME") or os.path.expanduser("~"))
    folders = [Path(variables.get("PYTHONUSERBASE") or home / ".local") / "lib" / f"python{minor}" / "site-packages"]
    if sys.platform == "darwin":
        folders.append(home / "Library" / "Python" / minor / "lib" / "python" / "site-packages")
    return folders


def _paths_added_by(folder: Path, unread: list[str], deadline: Deadline) -> list[Path]:
    """The folders that .pth files add. Their `import` lines, which Python would execute, are not followed.

    Why one cannot be read is added to `unread`.
    """
    added: list[Path] = []
    for file in sorted(folder.glob("*.pth")):
        if deadline.passed:
            unread.append(f"the .pth files in {folder} were not all read within {deadline.seconds:g} s (--timeout gives it longer)")
            break
        try:
            lines = read_file(file, _MAX_BYTES).decode("utf-8", "replace").splitlines()
        except OSError as error:
            unread.append(f"{file} cannot be read: {error.strerror}")
            continue
        added += [folder / line.strip() for line in lines if line.strip() and not line.startswith(("#", "import ", "import\t"))]
    return [each for each in added if os.path.isdir(each)]
