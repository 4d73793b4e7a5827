"""Places that are ordinary, if not comfortable: there doctor works as anywhere, or says in one line why it cannot."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the limits and users of POSIX", allow_module_level=True)

from tests.patients_support import all_patients, bare_environment

FAILURE = "NotImplementedError: Cannot copy out of meta tensor; no data!\n"
COMMANDS = {
    "check": ["check", "--python", "PATIENT"],
    "explain": ["explain", "FAILURE"],
    "report": ["report", "--python", "PATIENT", "--traceback", "FAILURE"],
    "compare": ["compare", "PATIENT", "PATIENT"],
    "run": ["run", "--", "sh", "-c", "cat FAILURE >&2; exit 7"],
    "matrix": ["matrix", "show", "MT080"],
}
CODES = {"check": 0, "explain": 1, "report": 0, "compare": 0, "run": 7, "matrix": 0}


@dataclass(frozen=True)
class Place:
    """Where a command is started: the shell's words before it."""

    words: str
    needs: str = ""
    """What must be there and allowed."""


READ_ONLY = (
    'mount --make-rprivate /; for each in $(cut -d " " -f 5 /proc/self/mountinfo); do mount -o remount,bind,ro $each 2>/dev/null; done; '
    'test ! -w "$0" && exec "$@"'
)
PLACES = {
    "read-only": Place(f'exec unshare -m sh -c {shlex.quote(READ_ONLY)} "$PWD"', "unshare -m"),
    "unknown-user-without-home": Place(
        "exec setpriv --reuid 54321 --clear-groups env -u HOME -u USER -u LOGNAME", "setpriv --reuid 54321 --clear-groups"
    ),
    "a-width-of-0": Place("COLUMNS=0 exec"),
    "a-width-of-1": Place("COLUMNS=1 exec"),
    "little-memory": Place("ulimit -v 200000; exec"),
}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that anybody may read, as those of pytest are not, with a patient that is well and a failure."""
    (healthy,) = (each for each in all_patients() if each.name == "healthy")
    base = bare_environment(tmp_path_factory.mktemp("base") / "venv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        healthy.make(base, folder)
        (folder / "failure").write_text(FAILURE)
        yield folder


def started(words: str, command: list[str], room: Path) -> Ran:
    """Start doctor at a shell, in the room."""
    names = {"PATIENT": str(room / "patient"), "FAILURE": str(room / "failure")}
    line = shlex.join(
        [sys.executable, "-m", "doctor", *(each.replace("FAILURE", names["FAILURE"]).replace("PATIENT", names["PATIENT"]) for each in command)]
    )
    variables = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX", "COLUMNS")}
    done = subprocess.run(["sh", "-c", f"{words} {line}"], cwd=room, env=variables, capture_output=True, text=True, check=False, timeout=120)
    return Ran(done.returncode, done.stdout, done.stderr)


def is_one_line(ran: Ran, says: str) -> bool:
    return ran.code == 2 and ran.out == "" and ran.err.startswith("doctor: ") and ran.err.count("\n") == 1 and says in ran.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", PLACES)
def test_it_works_there(place: str, command: str, room: Path) -> None:
    needed = PLACES[place].needs
    if needed and subprocess.run(["sh", "-c", f"{needed} env {shlex.quote(sys.executable)} -c ''"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"`{needed}` is not here, or may not start this Python")
    ran = started(PLACES[place].words, COMMANDS[command], room)
    assert ran.code == CODES[command], ran
    if command == "run":
        assert ran.err.startswith(FAILURE)
        assert "meta" in ran.err[len(FAILURE) :]
    else:
        assert ran.err == ""
        assert len(ran.out) > 20


@pytest.mark.parametrize("files", [6, 10])
def test_with_few_descriptors_it_works_or_says_so(files: int, room: Path) -> None:
    for name in ("explain", "matrix"):
        assert (ran := started(f"ulimit -n {files}; exec", COMMANDS[name], room)).code == CODES[name], ran
    for name in ("check", "report", "compare"):
        assert is_one_line(ran := started(f"ulimit -n {files}; exec", COMMANDS[name], room), "Too many open files"), ran


def test_with_far_too_little_memory_it_says_so(room: Path) -> None:
    ran = started("ulimit -v 30000; exec", COMMANDS["explain"], room)
    # Whether Python or the system finds out first is chance.
    assert is_one_line(ran, "there is not enough memory") or is_one_line(ran, "Cannot allocate memory"), ran


_WITHOUT_MEMORY = """
import resource, sys
import doctor.cli
def parser_of(_): raise SystemError("error return without exception set")
doctor.cli.parser_of = parser_of
if sys.argv[1:]:
    resource.setrlimit(resource.RLIMIT_AS, (2**34, 2**34))
if sys.argv[2:]:
    doctor.cli.output.complain = parser_of
sys.exit(doctor.cli.main(["check"]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit it so")
def test_an_internal_error_of_the_interpreter_where_memory_is_limited_is_for_want_of_it() -> None:
    """Python was seen to end so under `ulimit -v`, once in many runs: it had lost its MemoryError."""
    for how, says in (
        ([], "SystemError: error return"),
        (["limited"], "there is not enough memory"),
        (["limited", "speechless"], "not enough memory"),
    ):
        done = subprocess.run([sys.executable, "-c", _WITHOUT_MEMORY, *how], capture_output=True, text=True, check=False)
        assert is_one_line(Ran(done.returncode, done.stdout, done.stderr), says), done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_in_a_folder_that_is_gone_it_works_or_says_so(command: str, room: Path) -> None:
    gone = "mkdir gone && cd gone && rmdir ../gone && exec"
    ran = started(gone, COMMANDS[command], room)
    assert (ran.code == CODES[command] and ran.out + ran.err) or is_one_line(ran, "the current folder is not there any more"), ran
    if command not in ("run", "matrix"):
        ran = started(gone, [*COMMANDS[command], "--output", "there"], room)
        assert is_one_line(ran, "--output there: cannot be written: No such file or directory"), ran


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_may_have_a_name_that_is_no_text(room: Path) -> None:
    name = os.fsdecode(b"fail\xe9")
    (room / name).write_text(FAILURE)
    for form in ("terminal", "json"):
        done = subprocess.run([sys.executable, "-m", "doctor", "explain", name, "--format", form], cwd=room, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (1, b"")
        assert b"fail" in done.stdout.decode("utf-8").encode()
        done = subprocess.run(
            [sys.executable, "-m", "doctor", "explain", name, "--format", form, "--output", "o" + name], cwd=room, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (1, b"")
        assert "fail" in (room / ("o" + name)).read_text("utf-8")
