"""The word that stands where a command is expected: a command, what it can be taken for, or what was meant by it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Sequence

from doctor.errors import DoctorError

_OF_DOCTOR_ITSELF = ("-h", "--help", "-V", "--version", "--print-completion")
_ADVISORY = re.compile(r"MT\d{1,6}", re.IGNORECASE)
_LISTINGS = re.compile(r"(?:uv|poetry|pdm)\.lock|pylock.*\.toml|requirements.*\.txt|environment.*\.ya?ml", re.IGNORECASE)
"""Names of files that state an environment, and show no failure."""
_REPORTS = (".json", ".md", ".html")
_REPORT_BYTES = 8 * 1024 * 1024
_PROGRAM_STARTS = (b"#!", b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


def with_command(given: Sequence[str], commands: Collection[str]) -> list[str]:
    """The command line with a command in front. Raises `DoctorError`, with what can be done, when its first word is none and like none."""
    if not given:
        return ["check"]
    first, *rest = given
    if first in commands or first.partition("=")[0] in _OF_DOCTOR_ITSELF:
        return list(given)
    if first.startswith("-"):
        return ["check", *given]
    if first == "help":
        return with_command([*rest, "--help"], commands) if rest else ["--help"]
    if os.path.exists(first):
        return [*_command_for(first), first, *rest]
    if _is_advisory(first):
        return ["matrix", "show", *given]
    raise DoctorError(f"{first}: neither a command nor a file that is there; {_meant(first, commands)}")


def is_interpreter(path: str) -> bool:
    """Whether a file is a Python by its name and by what it holds: `python-3.12.json` is none."""
    return os.path.basename(path).startswith(("python", "pypy")) and os.access(path, os.X_OK) and _is_program(path)


def _command_for(path: str) -> list[str]:
    """The command that a file or folder is an argument of."""
    if os.path.isdir(path):
        return ["check", "--python"] if _is_environment(path) else ["check"]
    if not os.path.isfile(path):
        return ["explain"]
    if path.endswith((".py", ".ipynb")):
        return ["check"]
    if is_interpreter(path):
        return ["check", "--python"]
    if _is_program(path):
        raise _is_to_be_run(path, [os.path.join(os.curdir, path) if os.path.basename(path) == path else path])
    return ["check", "--from"] if _LISTINGS.fullmatch(os.path.basename(path)) or _is_report(path) else ["explain"]


def _is_environment(folder: str) -> bool:
    """Whether a folder is an environment, or a project that keeps one."""
    return any(os.path.exists(os.path.join(folder, each)) for each in ("pyvenv.cfg", "conda-meta", "bin/python", "python.exe", ".venv"))


def _is_to_be_run(path: str, command: Sequence[str]) -> DoctorError:
    return DoctorError(f"{path} is a program: `doctor run -- {shlex.join(command)}` runs it and explains its failure")


def _is_program(path: str) -> bool:
    return _beginning(path, 4).startswith(_PROGRAM_STARTS)


def _is_report(path: str) -> bool:
    return path.endswith(_REPORTS) and b'"doctor_version"' in _beginning(path, _REPORT_BYTES)


def _beginning(path: str, size: int) -> bytes:
    """The first bytes of a regular file; none where it cannot be read, which the command it goes to will say."""
    try:
        if not os.path.isfile(path):
            return b""
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""


def _is_advisory(word: str) -> bool:
    from doctor.knowledge.matrix_file import load_matrix

    return _ADVISORY.fullmatch(word) is not None or load_matrix().advisory(word) is not None


def _meant(word: str, commands: Collection[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, commands, 1)
    return f"did you mean `doctor {close[0]}`?" if close else "`doctor --help` lists the commands"
