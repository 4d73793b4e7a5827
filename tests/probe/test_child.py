"""Nothing a child does holds doctor up, fills its memory, or outlives it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from doctor.probe.child import GRACE_SECONDS, MAX_STREAM_BYTES, Child, Outcome

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and sessions are POSIX")

SLEEPER = "import time; time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def run(code: str, timeout: float = 20) -> Outcome:
    with Child(python(code), timeout) as child:
        return child.wait()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def written(file: Path) -> str:
    """What another process writes to a file, waited for."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()).endswith("\n"):
            return text.strip()
        time.sleep(0.01)
    raise AssertionError(f"{file} was not written")


def is_gone(pid: int) -> bool:
    """Whether a process has ended, soon."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def test_both_streams_and_the_exit_status_are_kept() -> None:
    outcome = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert outcome == Outcome(3, b"out\n", b"err\n", False)


def test_stdin_is_empty() -> None:
    assert run("import sys; print(repr(sys.stdin.read()))").stdout == b"''\n"


@pytest.mark.parametrize(
    ("returncode", "words"),
    [(0, "exit status 0"), (3, "exit status 3"), (-signal.SIGSEGV, "SIGSEGV"), (-signal.SIGKILL, "SIGKILL"), (-99, "exit status -99")],
)
def test_the_ending_is_said_in_words(returncode: int, words: str) -> None:
    assert Outcome(returncode, b"", b"", False).ending == words


def test_of_a_flood_the_end_is_kept() -> None:
    outcome = run("import os\nfor _ in range(50): os.write(1, b'x' * 1024 * 1024)\nos.write(1, b'the end')")
    assert len(outcome.stdout) == MAX_STREAM_BYTES
    assert outcome.stdout.endswith(b"xthe end")


def test_a_child_out_of_time_is_interrupted_first() -> None:
    code = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: print('interrupted')"
    with at_most(0.3 + GRACE_SECONDS + 5):
        outcome = run(code, timeout=0.3)
    assert (outcome.timed_out, outcome.stdout) == (True, b"interrupted\n")


def test_a_child_that_takes_no_notice_is_killed() -> None:
    code = f"import signal\nfor each in (signal.SIGINT, signal.SIGTERM): signal.signal(each, signal.SIG_IGN)\n{SLEEPER}"
    with at_most(0.5 + 3 * GRACE_SECONDS + 5):
        outcome = run(code, timeout=0.5)
    assert (outcome.timed_out, outcome.ending) == (True, "SIGKILL")


def test_what_a_child_leaves_running_ends_with_it(tmp_path: Path) -> None:
    code = f"""
import subprocess, sys
left = subprocess.Popen([sys.executable, "-S", "-c", {SLEEPER!r}])
open({str(tmp_path / "pid")!r}, "w").write(f"{{left.pid}}\\n")
print("done")
left.returncode = 0  # so that it does not complain of leaving it
"""
    with at_most(10):
        outcome = run(code)
    assert (outcome.returncode, outcome.stdout) == (0, b"done\n")
    assert is_gone(int(written(tmp_path / "pid")))


@pytest.mark.skipif(sys.platform != "linux", reason="found by what Linux shows of a process")
@pytest.mark.parametrize("then", ["", SLEEPER, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"], ids=["ends", "is out of time", "crashes"])
def test_what_left_the_group_ends_with_the_child(then: str, tmp_path: Path) -> None:
    """A daemon: in a session of its own, its parent gone, deaf to all that can be ignored, with the streams kept open."""
    daemon = f"""
import os, signal
if os.fork() == 0:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(each, signal.SIG_IGN)
    open({str(tmp_path / "pid")!r}, "w").write(f"{{os.getpid()}}\\n")
    {SLEEPER}
"""
    code = f"""
import subprocess, sys, time
subprocess.run([sys.executable, "-S", "-c", {daemon!r}], start_new_session=True)
while not open({str(tmp_path / "pid")!r}, "a+").tell(): time.sleep(0.01)
print("done", flush=True)
{then}
"""
    with at_most(3 * GRACE_SECONDS + 10):
        outcome = run(code, timeout=4 if then == SLEEPER else 20)
    assert outcome.stdout == b"done\n"
    assert is_gone(int(written(tmp_path / "pid")))


@pytest.mark.skipif(sys.platform != "linux", reason="a signal that only Linux sends")
def test_a_child_does_not_outlive_a_doctor_that_was_killed(tmp_path: Path) -> None:
    """Nor what it started in its group, though they take no notice of signals and never run a line of ours."""
    deaf = f"""
import os, signal
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGIO): signal.signal(each, signal.SIG_IGN)
os.fork()
open(os.path.join({str(tmp_path)!r}, str(os.getpid())), "w").close()
{SLEEPER}
"""
    doctor = f"from doctor.probe.child import Child\nwith Child({python(deaf)!r}, 60) as child: child.wait()"
    process = subprocess.Popen([sys.executable, "-c", doctor])
    deadline = time.monotonic() + 20
    while len(pids := [int(each.name) for each in tmp_path.iterdir()]) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert len(pids) == 2
    assert all(map(is_gone, pids))


def test_leaving_early_ends_the_child(tmp_path: Path) -> None:
    code = f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n'); {SLEEPER}"
    with pytest.raises(KeyboardInterrupt), at_most(10), Child(python(code), timeout=60):
        pid = int(written(tmp_path / "pid"))
        raise KeyboardInterrupt
    assert is_gone(pid)


def test_nothing_is_left_of_many_children() -> None:
    run("pass")
    me = psutil.Process()
    files, threads = me.num_fds(), threading.active_count()
    for _ in range(5):
        run("print('x')")
        with Child(python(SLEEPER), timeout=60):
            pass  # never waited for
    deadline = time.monotonic() + 5
    while (me.num_fds(), threading.active_count()) != (files, threads) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (me.num_fds(), threading.active_count()) == (files, threads)
    assert me.children() == []


def test_what_cannot_be_started_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        Child([str(tmp_path / "nothing")], 1)
