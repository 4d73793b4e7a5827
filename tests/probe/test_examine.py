"""A whole examination: what it asks, what it leaves alone, and what it leaves behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from doctor.probe import Interest, examine
from doctor.probe.interpreter import NoInterpreter
from tests.patients_support import site_packages

INTEREST = Interest(("torch", "transformers", "accelerate"), ())


def test_nothing_of_the_patients_is_run_where_that_is_not_wanted(home: Path, tmp_path: Path) -> None:
    witness = f"open({str(tmp_path / 'was-run')!r}, 'w').close()\n"
    packages = site_packages(home)
    (packages / "sitecustomize.py").write_text(witness)
    (packages / "witness.pth").write_text(f"import os; {witness}")
    (packages / "torch" / "__init__.py").write_text(witness)
    environment = examine(str(home), INTEREST, live=False)
    assert not (tmp_path / "was-run").exists()
    assert (environment.torch.importable, environment.packages["torch"].version) == (None, "2.13.0+cpu")
    assert [each.reason for each in environment.unknown if each.fact == "torch"] == ["torch was not asked: --no-live"]
    examine(str(home), INTEREST)
    assert (tmp_path / "was-run").exists()


def test_what_is_installed_is_the_same_asked_and_read(home: Path) -> None:
    asked, read = examine(str(home), INTEREST), examine(str(home), INTEREST, live=False)
    assert (asked.packages, asked.requirements, asked.faults) == (read.packages, read.requirements, read.faults)
    assert (asked.python.version, asked.python.prefix) == (read.python.version, read.python.prefix)


def test_a_torch_that_only_an_import_hook_finds_is_installed(home: Path) -> None:
    packages = site_packages(home)
    for name in ("torch", "torch-2.13.0+cpu.dist-info"):
        (packages / name).rename(packages.parent / name)
    (packages / "sitecustomize.py").write_text("""
import importlib.machinery, os, sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        folder = os.path.dirname(os.path.dirname(__file__))
        return importlib.machinery.PathFinder.find_spec(name, [folder]) if name == "torch" else None
sys.meta_path.insert(0, Finder)
""")
    environment = examine(str(home), INTEREST)
    assert (environment.packages["torch"].version, environment.packages["torch"].source) == ("2.13.0+cpu", "module")
    assert [fault.slug for fault in environment.faults] == ["missing-metadata"]


def test_too_little_time_is_not_taken_for_a_broken_or_a_missing_torch(home: Path) -> None:
    packages = site_packages(home)
    (packages / "sitecustomize.py").write_text("import sys, time\nif 'torch_facts' in str(sys.orig_argv): time.sleep(60)\n")
    for installed in (True, False):
        environment = examine(str(home), INTEREST, timeout=2)
        assert ("torch" in environment.packages) is installed
        assert [fault.slug for fault in environment.faults] == ([] if installed else ["torch-missing"])
        assert environment.torch.importable is None
        assert [each.fact for each in environment.unknown if each.important] == ["torch"]
        for name in ("torch", "torch-2.13.0+cpu.dist-info"):
            shutil.rmtree(packages / name, ignore_errors=True)


def test_nothing_is_left_of_an_examination(home: Path) -> None:
    examine(str(home), INTEREST)
    me = psutil.Process()
    files, threads = me.num_fds(), threading.active_count()
    examine(str(home), INTEREST)
    with pytest.raises(NoInterpreter):
        examine(str(shutil.which("true")), INTEREST)
    deadline = time.monotonic() + 5
    while (me.num_fds(), threading.active_count()) != (files, threads) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (me.num_fds(), threading.active_count()) == (files, threads)
    assert me.children() == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the folder a process is in")
def test_started_in_a_folder_that_is_gone_doctor_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = f'cd "{tmp_path}/gone" && rmdir "{tmp_path}/gone" && exec "{sys.executable}" -m doctor check'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "doctor: the current folder is not there any more: start doctor from another one\n"
