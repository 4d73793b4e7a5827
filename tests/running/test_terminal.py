"""Nobody at a terminal can tell that `doctor run` is between: keys, job control, sizes, pagers and shells."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.running.terminals import Terminal

RUN = (sys.executable, "-m", "doctor", "run", "--")
SHELL = ("bash", "--norc", "--noprofile", "-i")


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A file of more lines than a screen."""
    file = tmp_path / "long"
    file.write_text("".join(f"line {number}\n" for number in range(500)))
    return file


@contextmanager
def shell(cwd: Path) -> Iterator[Terminal]:
    """An interactive shell, as people have it, at its prompt."""
    with Terminal(SHELL, cwd) as terminal:
        terminal.see("ready> ")
        yield terminal
        terminal.type("exit\r")
        terminal.end()


def run(*command: object) -> str:
    return shlex.join([*RUN, *map(str, command)])


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"no {program} here")


def test_a_program_has_a_terminal_of_the_same_size_and_is_at_its_front(tmp_path: Path) -> None:
    code = "import os; print([*map(os.isatty, range(3))], os.tcgetpgrp(0) == os.getpgrp(), *os.get_terminal_size(), open('/dev/tty').isatty())"
    with Terminal([*RUN, sys.executable, "-c", code], tmp_path) as terminal:
        terminal.see(r"\[True, True, True\] True 80 24 True")
        assert terminal.end() == 0


def test_what_is_typed_is_read_and_shown_once(tmp_path: Path) -> None:
    with Terminal([*RUN, sys.executable, "-c", "print(input('name? ')[::-1])"], tmp_path) as terminal:
        terminal.see(r"name\? ")
        terminal.type("torch\r")
        terminal.see("hcrot")
        assert terminal.end() == 0
        assert terminal.seen.count("torch") == 1


@needs("less")
def test_help_pages(tmp_path: Path) -> None:
    with Terminal([*RUN, sys.executable, "-c", "help(int)"], tmp_path) as terminal:
        terminal.see("class int")
        terminal.see(":")
        terminal.type("q")
        assert terminal.end() == 0


@pytest.mark.parametrize(("pager", "shown", "key", "then"), [("less", "line 20", "G", "line 499"), ("more", "More", " ", "line 40")])
def test_pagers_page(pager: str, shown: str, key: str, then: str, long: Path) -> None:
    if shutil.which(pager) is None:
        pytest.skip(f"no {pager} here")
    with Terminal([*RUN, pager, str(long)], long.parent) as terminal:
        terminal.see(shown)
        terminal.type(key)
        terminal.see(then)
        terminal.type("q")
        assert terminal.end() == 0


@needs("less")
@pytest.mark.parametrize("line", ["cat long | RUN less", "RUN cat long | less"])
def test_a_pager_in_a_pipeline_gets_the_keys(line: str, long: Path) -> None:
    with shell(long.parent) as terminal:
        terminal.type(line.replace("RUN", run()) + "\r")
        terminal.see("line 20")
        terminal.type("G")
        terminal.see("line 499")
        terminal.type("q")
        terminal.see("ready> ")


@needs("bash")
def test_a_shell_has_job_control(tmp_path: Path) -> None:
    with Terminal([*RUN, *SHELL], tmp_path) as terminal:
        terminal.see("ready> ")
        terminal.type("sh -c 'echo begun; read line; echo got $line; exec sleep 100'\r")
        terminal.see("begun\r")
        terminal.type("\x1a")
        terminal.see("Stopped")
        terminal.see("ready> ")
        terminal.type("fg\r")
        terminal.see("sleep 100'\r")
        terminal.type("this\r")
        terminal.see("got this")  # only who has the terminal can read: before, Ctrl-C would be the shell's
        terminal.type("\x03")
        terminal.see("ready> ")
        terminal.type("exit 3\r")
        assert terminal.end() == 3
    assert "no job control" not in terminal.seen


@needs("bash")
def test_it_is_a_job_like_any_other(tmp_path: Path) -> None:
    """Ctrl-Z gives the shell its terminal back as it was; `fg` goes on; Ctrl-C ends it as it would have ended."""
    with shell(tmp_path) as terminal:
        terminal.type(run("sh", "-c", "echo begun; read line; echo got $line; exec sleep 100") + "\r")
        terminal.see("begun\r")
        terminal.type("\x1a")
        terminal.see("Stopped")
        terminal.see("ready> ")
        terminal.type("stty -a | grep -ow icanon; fg\r")
        terminal.see("icanon\r")
        terminal.see("sleep 100'\r")
        terminal.type("this\r")
        terminal.see("got this")
        terminal.type("\x03")
        terminal.see("ready> ")
        terminal.type("echo code $?\r")
        terminal.see("code 130")


@needs("bash")
def test_in_the_background_it_takes_no_keys_until_it_comes_to_the_front(tmp_path: Path) -> None:
    with shell(tmp_path) as terminal:
        terminal.type(run("sh", "-c", "echo begun; read line; echo got $line") + " &\r")
        terminal.see("begun\r")
        terminal.type("echo 'not' taken\r")
        terminal.see("not taken\r")
        terminal.type("fg\r")
        terminal.see("got .line'\r")
        terminal.type("this\r")
        terminal.see("got this\r")
        terminal.see("ready> ")
        terminal.type("stty -a | grep -ow icanon\r")
        terminal.see("icanon\r")


@needs("bash")
def test_it_goes_on_in_the_background(tmp_path: Path) -> None:
    with shell(tmp_path) as terminal:
        code = "import os, time\nprint('begun', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.05)\nprint('over')"
        (tmp_path / "waits.py").write_text(code)
        terminal.type(run(sys.executable, "waits.py") + "\r")
        terminal.see("begun\r")
        terminal.type("\x1a")
        terminal.see("Stopped")
        terminal.see("ready> ")
        terminal.type("bg\r")
        terminal.see("ready> ")
        (tmp_path / "go").touch()
        terminal.see("over\r")


def test_ctrl_c_arrives_once(tmp_path: Path) -> None:
    code = (
        "import signal, time\ncame = []\nsignal.signal(signal.SIGINT, lambda *_: came.append(1))\nprint('go')\n"
        "while not came: time.sleep(0.01)\ntime.sleep(1)\nprint('came', len(came))"
    )
    with Terminal([*RUN, sys.executable, "-c", code], tmp_path) as terminal:
        terminal.see("go")
        terminal.type("\x03")
        terminal.see("came 1")
        assert terminal.end() == 0


def test_a_window_that_changes_its_size_is_told(tmp_path: Path) -> None:
    code = (
        "import os, signal, time\ncame = []\nsignal.signal(signal.SIGWINCH, lambda *_: came.append(1))\nprint('go')\n"
        "while not came: time.sleep(0.01)\nprint(*os.get_terminal_size())"
    )
    with Terminal([*RUN, sys.executable, "-c", code], tmp_path) as terminal:
        terminal.see("go")
        terminal.resize(33, 99)
        terminal.see("99 33")
        assert terminal.end() == 0


@needs("bash")
def test_what_a_program_leaves_running_is_neither_waited_for_nor_hung_up_on(tmp_path: Path) -> None:
    (tmp_path / "hold").touch()
    with shell(tmp_path) as terminal:
        terminal.type(run("sh", "-c", "(while test -e hold; do sleep 0.1; done; echo still here >&2) & echo gone") + "\r")
        terminal.see("gone\r")
        terminal.see("ready> ")
        (tmp_path / "hold").unlink()
        terminal.see("still here")


def test_a_terminal_that_hangs_up_hangs_up_on_the_program(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\nsignal.signal(signal.SIGHUP, lambda *_: (open('hung up', 'w').close(), sys.exit(0)))\nprint('go')\ntime.sleep(60)"
    )
    with Terminal([*RUN, sys.executable, "-c", code], tmp_path) as terminal:
        terminal.see("go")
    assert (tmp_path / "hung up").exists()


def test_a_failure_is_explained_below_what_it_printed(tmp_path: Path) -> None:
    code = "raise NotImplementedError('Cannot copy out of meta tensor; no data!')"
    with Terminal([*RUN, sys.executable, "-c", code], tmp_path) as terminal:
        terminal.see("no data!")
        terminal.see("meta")
        assert terminal.end() == 1


def test_what_cannot_be_started_is_one_line(tmp_path: Path) -> None:
    with Terminal([*RUN, "not/there"], tmp_path) as terminal:
        assert terminal.end() == 2
        assert terminal.seen == "doctor: not/there: cannot be run: No such file or directory\r\n"


def test_it_ends_by_the_signal_its_program_ended_by(tmp_path: Path) -> None:
    with Terminal([*RUN, "sh", "-c", "kill -TERM $$"], tmp_path) as terminal:
        assert terminal.end() == -15


def test_while_it_waits_nothing_is_busy(tmp_path: Path) -> None:
    with Terminal([*RUN, "sh", "-c", "echo go; read line"], tmp_path) as terminal:
        terminal.see("go")
        ours = [terminal.process.pid, *(each.pid for each in psutil.Process(terminal.process.pid).children())]
        before = sum(sum(psutil.Process(each).cpu_times()[:2]) for each in ours)
        time.sleep(0.5)
        assert sum(sum(psutil.Process(each).cpu_times()[:2]) for each in ours) - before < 0.2
        terminal.type("\r")
        assert terminal.end() == 0
    assert len(ours) == 2
