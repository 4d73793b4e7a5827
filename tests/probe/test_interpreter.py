"""Which interpreter is the patient, and what it says of itself."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from doctor.probe.interpreter import Choice, NoInterpreter, ask_interpreter, choose_interpreter, python_in, read_interpreter
from tests.patients_support import site_packages

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the scripts that stand in for interpreters are POSIX")
PYENV = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))


def executable(path: Path, script: str = "exit 0") -> Path:
    """A program that is there to be chosen, or to answer what `script` makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with one of everything that could be chosen."""
    for place in ("asked", "active", "conda", "home/.venv", "home/project/.venv", "path", "own"):
        executable(tmp_path / place / "bin" / "python")
    for place in ("home/project/src", "elsewhere", "stale", "empty"):
        (tmp_path / place).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("there", "here", "chosen", "because"),
    [
        ("asked active conda path", "home/project", "asked", "named with --python"),
        ("asked/bin/python active conda path", "home/project", "asked", "named with --python"),
        ("active conda path", "home/project", "active", "VIRTUAL_ENV is set"),
        ("conda path", "home/project", "conda", "CONDA_PREFIX is set"),
        ("path", "home/project", "home/project/.venv", ".venv in the current folder"),
        ("path", "home/project/src", "home/project/.venv", ".venv in {world}/home/project"),
        ("path", "home", "home/.venv", ".venv in the current folder"),
        ("path", "elsewhere", "path", "`python` on PATH"),
        ("", "elsewhere", "own", "the interpreter doctor itself runs in: no other was found"),
    ],
)
def test_the_interpreter_that_is_meant_is_chosen(world: Path, there: str, here: str, chosen: str, because: str) -> None:
    """`there`: what of --python, VIRTUAL_ENV, CONDA_PREFIX and PATH points where; the first of these that does is meant."""
    named = {each.partition("/")[0]: str(world / each) for each in there.split()}
    variables = {"VIRTUAL_ENV": named.get("active", ""), "CONDA_PREFIX": named.get("conda", ""), "PATH": f"{named.get('path', world)}/bin"}
    choice = choose_interpreter(named.get("asked"), variables, world / here, own=world / "own" / "bin" / "python")
    assert choice == Choice(world / chosen / "bin" / "python", because.format(world=world))


@pytest.mark.parametrize("name", ["python", "python3"])
def test_path_is_asked_for_python_and_python3(tmp_path: Path, name: str) -> None:
    found = executable(tmp_path / "bin" / name)
    assert choose_interpreter(None, {"PATH": str(tmp_path / "bin")}, tmp_path) == Choice(found, f"`{name}` on PATH")


def test_a_name_is_looked_up_on_path(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(world / "path" / "bin" / "python3.99")
    monkeypatch.setenv("PATH", str(world / "path" / "bin"))
    assert choose_interpreter("python3.99", {}, world).executable == world / "path" / "bin" / "python3.99"


def test_the_home_folder_may_be_a_tilde(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(world))
    assert choose_interpreter("~/asked", {}, world).executable == world / "asked" / "bin" / "python"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("", "an empty --python does not exist"),
        ("nowhere", "nowhere does not exist"),
        ("./nowhere", "./nowhere does not exist"),
        ("~no-such-user/venv", "~no-such-user/venv does not exist"),
        ("x" * 5000, "does not exist"),
        ("empty", "empty is a folder without an interpreter"),
        ("notes.txt", "notes.txt is not executable"),
    ],
)
def test_what_is_asked_for_and_is_no_interpreter_is_refused(world: Path, monkeypatch: pytest.MonkeyPatch, asked: str, message: str) -> None:
    monkeypatch.chdir(world)
    (world / "notes.txt").touch(mode=0o644)
    with pytest.raises(NoInterpreter) as refused:
        choose_interpreter(asked, {"VIRTUAL_ENV": str(world / "active")}, world)
    assert message in str(refused.value)
    assert "name a" in str(refused.value)


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
@pytest.mark.parametrize("place", ["stale", "nowhere"])
def test_an_active_environment_that_is_gone_is_said_and_no_other_examined(world: Path, variable: str, place: str) -> None:
    with pytest.raises(NoInterpreter, match=rf"{variable} points at .*{place}, where there is no interpreter: activate again"):
        choose_interpreter(None, {variable: str(world / place), "PATH": str(world / "path" / "bin")}, world / "home" / "project")


def test_a_venv_here_that_lost_its_python_is_said_and_no_other_examined(world: Path) -> None:
    python = world / "home" / "project" / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(world / "python-that-was-removed")
    (world / "home" / "project" / ".venv" / "pyvenv.cfg").write_text("version = 3.11.7\n")
    with pytest.raises(NoInterpreter, match=r"the \.venv in .*project has lost its interpreter"):
        choose_interpreter(None, {"PATH": str(world / "path" / "bin")}, world / "home" / "project" / "src")


def test_a_venv_that_is_a_file_or_something_else_is_passed_over(world: Path) -> None:
    for place, make in ((world / "elsewhere" / ".venv", Path.touch), (world / "empty" / ".venv", Path.mkdir)):
        make(place)
        assert choose_interpreter(None, {"PATH": str(world / "path" / "bin")}, place.parent).because == "`python` on PATH"


class TestDoctorsOwnEnvironment:
    """uvx puts the environment it made for doctor first on PATH; examining that would tell the user nothing."""

    @pytest.fixture
    def own(self, bare: Path, world: Path) -> Path:
        home = world / "uvx"
        shutil.copytree(bare, home, symlinks=True)
        return home

    def chosen(self, own: Path, world: Path) -> Path:
        path = os.pathsep.join(str(place / "bin") for place in (own, world / "path"))
        return choose_interpreter(None, {"PATH": path}, world / "elsewhere", own / "bin" / "python").executable

    def test_is_passed_over_where_it_holds_nothing_of_the_stack(self, own: Path, world: Path) -> None:
        assert self.chosen(own, world) == world / "path" / "bin" / "python"

    @pytest.mark.parametrize("name", ["torch", "transformers-4.46.3.dist-info"])
    def test_is_examined_where_doctor_was_installed_beside_the_stack(self, own: Path, world: Path, name: str) -> None:
        (site_packages(own) / name).mkdir()
        assert self.chosen(own, world) == own / "bin" / "python"

    def test_is_examined_where_it_is_no_virtual_environment(self, own: Path, world: Path) -> None:
        (own / "pyvenv.cfg").unlink()
        assert self.chosen(own, world) == own / "bin" / "python"

    def test_is_examined_where_there_is_no_other(self, own: Path, world: Path) -> None:
        choice = choose_interpreter(None, {"PATH": str(own / "bin")}, world / "elsewhere", own / "bin" / "python")
        assert choice == Choice(own / "bin" / "python", "the interpreter doctor itself runs in: no other was found")

    def test_laid_over_the_users_by_uv_run_leads_to_the_users(self, own: Path, world: Path) -> None:
        with (own / "pyvenv.cfg").open("a") as file:
            file.write(f"extends-environment = {world / 'active'}\n")
        choice = choose_interpreter(None, {"VIRTUAL_ENV": str(own)}, world / "elsewhere", own / "bin" / "python")
        assert choice == Choice(world / "active" / "bin" / "python", "VIRTUAL_ENV is set")


@pytest.mark.parametrize(("windows", "place"), [(False, "bin/python"), (False, "bin/python3"), (True, "Scripts/python.exe"), (True, "python.exe")])
def test_environments_of_every_system_are_known(tmp_path: Path, windows: bool, place: str) -> None:
    found = executable(tmp_path / place)
    assert python_in(tmp_path, windows) == found


# What it says of itself


def ask(path: Path, timeout: float = 20) -> tuple[str | None, str | None, str | None, list[str]]:
    patient = ask_interpreter(Choice(path, "test"), {}, timeout)
    return patient.python.version, patient.python.implementation, patient.python.prefix, [str(entry) for entry in patient.path]


@pytest.mark.skipif(not PYENV, reason="no other Pythons here")
@pytest.mark.parametrize("python", PYENV, ids=lambda python: python.parent.parent.name)
def test_every_python_from_3_8_on_answers(python: Path) -> None:
    expected = python.parent.parent.name
    if tuple(map(int, expected.split(".")[:2])) < (3, 8):
        with pytest.raises(NoInterpreter, match=rf"is Python {expected}: doctor examines Python 3.8 and newer"):
            ask(python)
        return
    version, implementation, prefix, path = ask(python)
    assert (version, implementation, prefix) == (expected, "CPython", str(python.parent.parent))
    assert str(python.parent.parent / "lib" / f"python{expected.rpartition('.')[0]}" / "site-packages") in path


def test_our_own_folders_are_no_part_of_its_path(bare: Path) -> None:
    _, _, prefix, path = ask(bare / "bin" / "python")
    assert prefix == str(bare)
    assert str(site_packages(bare)) in path
    assert [entry for entry in path if "doctor" in entry and "probe" in entry] == []


FACTS = {"version": "3.11.7", "implementation": "CPython", "prefix": "/usr", "path": ["/usr/lib"]}


@pytest.mark.parametrize(
    "output",
    [
        [FACTS],
        ["Welcome!", {"version": "1.0", "implementation": "x", "prefix": "", "path": []}, FACTS],
        [FACTS, "Goodbye.", {"version": 1}, "[]", "{"],
        [{**FACTS, "version": "3.11.7+"}],
        [{**FACTS, "path": ["", "/usr/lib", "/usr/lib/../lib", "/nul\0byte"]}],
    ],
    ids=["alone", "after a banner", "before a farewell", "a build from a branch", "an odd path"],
)
def test_the_answer_is_found_among_whatever_else_is_printed(tmp_path: Path, output: list[object]) -> None:
    (tmp_path / "out").write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in output))
    assert ask(executable(tmp_path / "python", f"cat '{tmp_path}/out'")) == ("3.11.7", "CPython", "/usr", ["/usr/lib"])


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("exit 0", "(ended with exit status 0)"),
        ("echo no >&2; exit 7", "(ended with exit status 7: no)"),
        ("kill -SEGV $$", "(ended with SIGSEGV)"),
        ("echo 3.11.7", "(ended with exit status 0)"),
        ("head -c 100000 /dev/urandom", "(ended with exit status 0)"),
        ("""echo '{"version": 3, "implementation": null, "prefix": [], "path": "x"}'""", "(ended with exit status 0)"),
        (f"echo '{json.dumps({**FACTS, 'version': '9' * 5000 + '.1'})}'", "(ended with exit status 0)"),
        (f"echo '{json.dumps({**FACTS, 'version': 'three'})}'", "(ended with exit status 0)"),
        (f"echo '{'[' * 20000}'", "(ended with exit status 0)"),
    ],
)
def test_what_is_no_python_is_refused_with_what_it_did(tmp_path: Path, script: str, how: str) -> None:
    with pytest.raises(NoInterpreter) as refused:
        ask(executable(tmp_path / "python", script))
    assert "is not a working Python interpreter" in str(refused.value)
    assert how in str(refused.value)


@pytest.mark.parametrize("version", ["2.7.18", "3.7.16", "3.0"])
def test_a_python_that_is_too_old_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(NoInterpreter, match=rf"is Python {version}: doctor examines Python 3.8 and newer"):
        ask(executable(tmp_path / "python", f"echo '{json.dumps({**FACTS, 'version': version})}'"))


def test_one_that_hangs_is_given_up_on(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(NoInterpreter, match=r"did not answer within 0\.3 s"):
        ask(executable(tmp_path / "python", "sleep 60"), timeout=0.3)
    assert time.monotonic() - started < 10


def test_what_the_system_cannot_run_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_bytes(b"\x7fELF, or so it says")
    broken.chmod(0o755)
    with pytest.raises(NoInterpreter, match="cannot be run: Exec format error"):
        ask(broken)


# With nothing of it run


def test_an_interpreter_that_must_not_be_run_is_not(tmp_path: Path) -> None:
    python = executable(tmp_path / "bin" / "python", f"touch '{tmp_path}/was-run'")
    with pytest.raises(NoInterpreter, match="cannot be told without running it"):
        read_interpreter(Choice(python, "test"), {})
    assert not (tmp_path / "was-run").exists()
