"""A program that `doctor run` runs where there is no terminal, or not for all of its output, cannot tell."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("signals, groups and descriptors are POSIX", allow_module_level=True)

from doctor.running.transcript import FIRST_BYTES, LAST_BYTES
from tests.running.terminals import SECONDS, Terminal

RUN = (sys.executable, "-m", "doctor", "run", "--")
FAILURE = "NotImplementedError: Cannot copy out of meta tensor; no data!"
COUNTS = """
import os, signal, sys, time
came = []
for each in (signal.SIGINT, signal.SIGTERM):
    signal.signal(each, lambda *_: came.append(1))
open("ready", "w").close()
while not came: time.sleep(0.01)
time.sleep(1)
sys.exit(40 + len(came))
"""
"""Exits with 41 when one signal came, with 42 when two did."""


def run(*command: object) -> str:
    return shlex.join([*RUN, *map(str, command)])


def sh(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], cwd=cwd, capture_output=True, text=True, check=False, timeout=2 * SECONDS)


def there(file: Path) -> None:
    """Wait for a file."""
    deadline = time.monotonic() + SECONDS
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} was not written"
        time.sleep(0.01)


# What it prints


def test_descriptors_stay_open(tmp_path: Path) -> None:
    done = sh(f"{run('cat')} <(echo hi)", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")


def test_standard_streams_that_are_closed_are_closed(tmp_path: Path) -> None:
    code = "import os, sys\nfor each in range(3):\n try: os.fstat(each)\n except OSError: open(str(each), 'w').close()"
    for number, redirection in enumerate(("<&-", ">&-", "2>&-")):
        done = sh(f"{run(sys.executable, '-c', code)} {redirection}", tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert [each.name for each in tmp_path.iterdir()] == [str(number)]
        (tmp_path / str(number)).unlink()


def test_a_closed_stdout_does_not_change_how_it_ends(tmp_path: Path) -> None:
    done = subprocess.run(["sh", "-c", f"exec {run('sh', '-c', 'kill -TERM $$')} >&-"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")


def test_stdout_and_stderr_to_one_place_keep_their_order(tmp_path: Path) -> None:
    code = "import os\nfor number in range(2000): os.write(1 + number % 2, b'%d\\n' % number)"
    ordered = "".join(f"{number}\n" for number in range(2000))
    assert sh(f"{run(sys.executable, '-c', code)} 2>&1 | cat", tmp_path).stdout == ordered
    sh(f"{run(sys.executable, '-c', code)} >both 2>&1", tmp_path)
    assert (tmp_path / "both").read_text() == ordered


def test_who_reads_no_more_ends_it(tmp_path: Path) -> None:
    done = sh(f"set -o pipefail; {run('yes')} 2>&1 | head -1", tmp_path)
    assert (done.returncode, done.stdout) == (128 + signal.SIGPIPE, "y\n")


def test_a_stderr_that_does_not_block_gets_all(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, fcntl.fcntl(writer, fcntl.F_GETFL) | os.O_NONBLOCK)
    process = subprocess.Popen([*RUN, sys.executable, "-c", "import sys; sys.stderr.write('x' * 1_000_000)"], cwd=tmp_path, stderr=writer)
    os.close(writer)
    time.sleep(1)  # nobody reads for a while
    with os.fdopen(reader, "rb") as stream:
        assert len(stream.read()) == 1_000_000
    assert process.wait(SECONDS) == 0


def test_what_is_printed_is_not_read_while_it_runs(tmp_path: Path) -> None:
    """Reading lines such as these took 12 seconds each, and the program waited."""
    code = "import sys\nfor _ in range(100): sys.stderr.write('  ' + '^' * 65000 + '\\n')"
    started = time.monotonic()
    done = subprocess.run([*RUN, sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert time.monotonic() - started < SECONDS
    assert (done.returncode, len(done.stderr)) == (0, 100 * 65003)


def test_of_a_flood_the_first_and_the_last_are_read_and_that_is_said(tmp_path: Path) -> None:
    lines = (FIRST_BYTES + 4 * LAST_BYTES) // 100
    code = f"import sys\nfor _ in range({lines}): sys.stderr.write('x' * 99 + '\\n')\nsys.exit({FAILURE!r})"
    done = subprocess.run([*RUN, sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    printed = 100 * lines + len(FAILURE) + 1
    assert done.returncode == 1
    assert f"\n\nRead for this: the first and the last of what was printed; {printed - FIRST_BYTES - LAST_BYTES:,} bytes between" in done.stderr


def test_what_it_leaves_running_is_not_waited_for_and_still_heard(tmp_path: Path) -> None:
    (tmp_path / "hold").touch()
    script = "(while test -e hold; do sleep 0.1; done; echo late >&2; touch said) & echo gone >&2; exit 5"
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([*RUN, "sh", "-c", script], cwd=tmp_path, stderr=log)
        assert process.wait(SECONDS) == 5
    assert (tmp_path / "log").read_text() == "gone\n"
    (tmp_path / "hold").unlink()
    there(tmp_path / "said")
    deadline = time.monotonic() + SECONDS
    while (tmp_path / "log").read_text() != "gone\nlate\n":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_lives_on_when_doctor_is_killed(tmp_path: Path) -> None:
    script = "touch ready; while test -e ready; do sleep 0.1; done; echo over >&2"
    with subprocess.Popen([*RUN, "sh", "-c", script], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        there(tmp_path / "ready")
        process.kill()
        process.wait()
        (tmp_path / "ready").unlink()
        assert process.stderr is not None
        assert process.stderr.read() == "over\n"


# Signals


@contextmanager
def counting(cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([*RUN, sys.executable, "-c", COUNTS], cwd=cwd, start_new_session=True) as process:
        there(cwd / "ready")
        yield process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_doctor_arrives_once(number: signal.Signals, tmp_path: Path) -> None:
    with counting(tmp_path) as process:
        process.send_signal(number)
        assert process.wait(SECONDS) == 41


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_group_arrives_once(number: signal.Signals, tmp_path: Path) -> None:
    with counting(tmp_path) as process:
        os.killpg(process.pid, number)
        assert process.wait(SECONDS) == 41


@pytest.mark.parametrize("redirection", ["</dev/null", "2>log", "</dev/null >log", "</dev/null >log 2>&1", "| cat"])
def test_ctrl_c_arrives_once_wherever_its_streams_go(redirection: str, tmp_path: Path) -> None:
    (tmp_path / "counts.py").write_text(COUNTS)
    line = f"trap : INT; set -o pipefail; {run(sys.executable, 'counts.py')} {redirection.replace('| cat', '| (trap : INT; cat; cat)')}"
    with Terminal(["bash", "-c", line], tmp_path) as terminal:
        there(tmp_path / "ready")
        terminal.type("\x03")
        assert terminal.end() == 41


# After it has failed


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose torch says that it is asked (in the current folder), and does not answer."""
    home = tmp_path_factory.mktemp("slow") / "venv"
    venv.create(home, with_pip=False)
    (packages,) = home.glob("lib/python3*/site-packages")
    (packages / "torch").mkdir()
    (packages / "torch" / "__init__.py").write_text("import time\nopen('asked', 'w').close()\ntime.sleep(60)\n")
    return home / "bin" / "python"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_is_explained_changes_nothing_of_how_it_ended(number: signal.Signals, slow: Path, tmp_path: Path) -> None:
    code = f"import sys; sys.stderr.write({FAILURE!r} + '\\n'); sys.exit(7)"
    with subprocess.Popen([*RUN, slow, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        there(tmp_path / "asked")
        process.send_signal(number)
        _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (7, FAILURE + "\n")


@pytest.mark.parametrize("code", ["import sys; sys.exit(1)", "import sys; sys.exit('it did not work')", "open('not there')"])
def test_torch_is_not_asked_about_what_is_not_of_its_family(code: str, slow: Path, tmp_path: Path) -> None:
    done = subprocess.run([*RUN, slow, "-c", code], cwd=tmp_path, capture_output=True, check=False, timeout=2 * SECONDS)
    assert done.returncode == 1
    assert not (tmp_path / "asked").exists()


def test_a_fault_of_doctors_own_does_not_change_how_it_ended(tmp_path: Path) -> None:
    done = subprocess.run(
        [*RUN[:-1], "--output", "not/there", "--", sys.executable, "-c", f"import sys; sys.stderr.write({FAILURE!r}); sys.exit(7)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7
    assert done.stderr.startswith(FAILURE)
    assert "doctor: the failure could not be explained: --output not/there" in done.stderr
