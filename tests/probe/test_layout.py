"""Where an interpreter looks for modules, read from its files: the same as it says itself, wherever that can be known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.probe.interpreter import Choice, ask_interpreter
from doctor.probe.layout import Layout, layout_of, prefix_of, without_repeats
from tests.patients_support import site_packages

NO_HOME = {"HOME": "/nowhere"}


def folders(base: Path, *names: str) -> list[Path]:
    made = [base / name for name in names]
    for each in made:
        each.mkdir(parents=True)
    return made


def told(layout: Layout, base: Path) -> list[str]:
    return [each.relative_to(base).as_posix() for each in layout.path]


def interpreter(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


def packages_said_by(python: Path, variables: dict[str, str]) -> list[str]:
    """What the interpreter itself has on its path, the standard library left out."""
    code = "import sys; print('\\n'.join(sys.path[1:]))"
    said = subprocess.run([python, "-c", code], env=variables, capture_output=True, text=True, check=True).stdout.splitlines()
    packages = (Path(entry) for entry in said if os.path.isdir(entry) and not entry.endswith("lib-dynload"))
    return [str(each) for each in without_repeats(packages) if not (each / "os.py").exists()]


@pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux interpreters")
class TestAsTheInterpreterItselfSays:
    """The same path, in the same order."""

    @pytest.mark.parametrize("name", ["python", "python3"])
    def test_a_virtual_environment(self, bare: Path, name: str) -> None:
        layout = layout_of(bare / "bin" / name, NO_HOME)
        assert [str(each) for each in layout.path] == packages_said_by(bare / "bin" / name, NO_HOME) == [str(site_packages(bare))]
        assert (layout.version, layout.prefix) == ("{}.{}.{}".format(*sys.version_info[:3]), bare)

    @pytest.fixture
    def layered(self, tmp_path: Path) -> Path:
        """An environment that also sees its base's packages and what .pth files add."""
        home = tmp_path / "layered"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", home], check=True)
        folders(site_packages(home), "added", "also added")
        lines = ["# a comment", "", "import this_must_not_be_run", "added", "also added   ", "not-there", "x" * 5000]
        (site_packages(home) / "some.pth").write_text("\n".join(lines) + "\n")
        (site_packages(home) / "this_must_not_be_run.py").touch()
        return home

    def test_one_that_sees_the_systems_packages_and_follows_pth_files(self, layered: Path, tmp_path: Path) -> None:
        minor = "{}.{}".format(*sys.version_info[:2])
        (user,) = folders(tmp_path, f"home/.local/lib/python{minor}/site-packages")
        variables = {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
        layout = layout_of(layered / "bin" / "python", variables)
        said = packages_said_by(layered / "bin" / "python", variables)
        assert [str(each) for each in layout.path] == said
        assert user in layout.path
        without_user = {**variables, "PYTHONNOUSERSITE": "1"}
        assert [str(each) for each in layout_of(layered / "bin" / "python", without_user).path] == [each for each in said if each != str(user)]

    @pytest.mark.parametrize("python", sorted(Path.home().glob(".pyenv/versions/3.*/bin/python")), ids=lambda python: python.parent.parent.name)
    def test_an_installation(self, python: Path) -> None:
        layout = layout_of(python, NO_HOME)
        assert [str(each) for each in layout.path] == packages_said_by(python, NO_HOME)
        assert layout.version == python.parent.parent.name.rpartition(".")[0]

    @pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no system Python here")
    def test_the_system(self) -> None:
        layout = layout_of(Path("/usr/bin/python3"), NO_HOME)
        assert [str(each) for each in layout.path] == packages_said_by(Path("/usr/bin/python3"), NO_HOME)


def test_a_link_to_an_installation_leads_to_its_packages(tmp_path: Path) -> None:
    """Homebrew: bin/python3.12 is a link into the Cellar, and beside it lie packages of every version installed."""
    folders(tmp_path, "brew/lib/python3.11/site-packages", "cellar/python@3.12/lib/python3.12/site-packages")
    python = interpreter(tmp_path / "cellar/python@3.12/bin/python3.12")
    (tmp_path / "brew/bin").mkdir()
    (tmp_path / "brew/bin/python3").symlink_to(python)
    layout = layout_of(tmp_path / "brew/bin/python3", NO_HOME)
    assert told(layout, tmp_path) == ["cellar/python@3.12/lib/python3.12/site-packages"]
    assert layout.version == "3.12"


def test_only_the_packages_of_its_own_version_count(tmp_path: Path) -> None:
    folders(tmp_path, "lib/python3.9/site-packages", "lib/python3.12/site-packages")
    assert told(layout_of(interpreter(tmp_path / "bin/python3.12"), NO_HOME), tmp_path) == ["lib/python3.12/site-packages"]


def test_on_debian_what_pip_installed_comes_before_what_apt_did(tmp_path: Path) -> None:
    folders(tmp_path, "lib/python3/dist-packages", "local/lib/python3.11/dist-packages", "local/lib/python3.9/dist-packages")
    layout = layout_of(interpreter(tmp_path / "bin/python3.11"), NO_HOME)
    assert told(layout, tmp_path) == ["local/lib/python3.11/dist-packages", "lib/python3/dist-packages"]


def test_on_fedora_what_pip_installed_comes_before_what_dnf_did(tmp_path: Path) -> None:
    made = [f"{folder}/python3.13/site-packages" for folder in ("local/lib64", "local/lib", "lib64", "lib")]
    folders(tmp_path, *made)
    assert told(layout_of(interpreter(tmp_path / "bin/python3.13"), NO_HOME), tmp_path) == made


def test_a_conda_environment(tmp_path: Path) -> None:
    folders(tmp_path, "lib/python3.11/site-packages", "conda-meta")
    python = interpreter(tmp_path / "bin/python3.11")
    (tmp_path / "bin/python").symlink_to(python)
    layout = layout_of(tmp_path / "bin/python", NO_HOME)
    assert (told(layout, tmp_path), layout.version, layout.prefix) == (["lib/python3.11/site-packages"], "3.11", tmp_path)


def test_lib64_that_is_a_link_to_lib_counts_once(tmp_path: Path) -> None:
    folders(tmp_path, "lib/python3.11/site-packages")
    (tmp_path / "lib64").symlink_to("lib")
    assert told(layout_of(interpreter(tmp_path / "bin/python3.11"), NO_HOME), tmp_path) == ["lib/python3.11/site-packages"]


def test_pypy(tmp_path: Path) -> None:
    folders(tmp_path, "lib/pypy3.10/site-packages")
    layout = layout_of(interpreter(tmp_path / "bin/pypy3.10"), NO_HOME)
    assert (told(layout, tmp_path), layout.version) == (["lib/pypy3.10/site-packages"], "3.10")


@pytest.mark.parametrize(
    ("executable", "windows", "prefix"),
    [
        ("venv/bin/python", False, "venv"),
        ("venv/Scripts/python.exe", True, "venv"),
        ("conda/python.exe", True, "conda"),
        ("Python311/python.exe", True, "Python311"),
    ],
)
def test_the_prefix_is_where_each_system_has_it(executable: str, windows: bool, prefix: str) -> None:
    assert prefix_of(Path(executable), windows) == Path(prefix)


@pytest.mark.skipif(Path("/BIN").exists(), reason="the file system does not tell Lib from lib")
def test_a_windows_environment_that_sees_the_systems_packages(tmp_path: Path) -> None:
    folders(tmp_path, "venv/Lib/site-packages", "Python311/Lib/site-packages", "AppData/Python/Python311/site-packages")
    python = interpreter(tmp_path / "venv/Scripts/python.exe")
    configuration = f"home = {tmp_path / 'Python311'}\ninclude-system-site-packages = true\nversion = 3.11.7\n"
    (tmp_path / "venv/pyvenv.cfg").write_text(configuration)
    layout = layout_of(python, {"APPDATA": str(tmp_path / "AppData")}, windows=True)
    assert told(layout, tmp_path) == ["venv/Lib/site-packages", "AppData/Python/Python311/site-packages", "Python311/Lib/site-packages"]
    assert layout.version == "3.11.7"


@pytest.mark.parametrize(
    ("configuration", "version"),
    [
        ("version = 3.11.7", "3.11.7"),
        ("version_info = 3.13.0.final.0", "3.13.0"),
        ("version_info = 3.12.1", "3.12.1"),
        ("version = 3.14.0rc2", "3.14.0rc2"),
        ("Version=3.10", "3.10"),
        ("version = soon", "3.11"),
        ("nonsense \x00 \udcff", "3.11"),
        ("", "3.11"),
    ],
)
def test_the_version_is_pyvenv_cfgs_where_it_says_one(tmp_path: Path, configuration: str, version: str) -> None:
    minor = ".".join(version.split(".")[:2]).partition("rc")[0]
    folders(tmp_path, f"lib/python{minor}/site-packages")
    (tmp_path / "pyvenv.cfg").write_bytes(configuration.encode("utf-8", "surrogateescape"))
    layout = layout_of(interpreter(tmp_path / "bin/python"), NO_HOME)
    assert layout.version == version
    assert len(layout.path) == 1


def test_where_there_is_no_telling_nothing_is_told(tmp_path: Path) -> None:
    """A version manager's shim: what it would start is not in its files."""
    assert layout_of(interpreter(tmp_path / "shims/python"), NO_HOME) == Layout(tmp_path, None, ())


def test_a_folder_counts_once_however_it_is_named(tmp_path: Path) -> None:
    one, two = folders(tmp_path, "one", "two")
    (tmp_path / "link").symlink_to(one)
    assert without_repeats([one, tmp_path / "link", two, tmp_path / "two" / ".." / "one"]) == (one, two)


def test_asked_and_read_agree_on_a_patient(bare: Path) -> None:
    choice = Choice(bare / "bin" / "python", "test")
    asked, read = ask_interpreter(choice, os.environ), layout_of(choice.executable, dict(os.environ))
    assert set(read.path) <= set(asked.path)
    assert (asked.python.version, asked.python.prefix) == (read.version, str(read.prefix))
