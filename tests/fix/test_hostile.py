"""doctor fix where things go wrong: nothing else is ever touched, and what was there comes back."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doctor.fix.home import Home, refusal
from tests.fix.conftest import OLD_ACCELERATE, Fixing, Knowing, Make, Patient, advisory
from tests.fix.index import Index, wheel

STACK = ("torch==2.13.0+cpu", "transformers==4.46.3", "accelerate==1.0.1")


def test_no_other_environment_is_touched(make: Make, knowing: Knowing, tmp_path: Path) -> None:
    """A tool of this kind once mended its own environment instead."""
    patient, other = make(*STACK), make(*STACK, name="other")
    tree, elsewhere = other.tree(), tmp_path / "elsewhere"
    misleading = {name: str(elsewhere) for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "UV_TARGET", "UV_PREFIX")}
    misleading |= {name: str(other.home) for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT")}
    misleading |= {"UV_PYTHON": str(other.python), "PIP_PYTHON": str(other.python), "PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1"}
    ours = [each for folder in map(Path, sys.path) if (folder / "accelerate").exists() for each in folder.glob("accelerate*")]
    assert knowing(OLD_ACCELERATE)(patient, "--yes", code=0, variables=misleading, cwd=other.home)["outcome"] == "cured"
    assert "accelerate==1.1.0" in patient.freeze()
    assert other.tree() == tree
    assert not elsewhere.exists()
    assert ours == [each for folder in map(Path, sys.path) if (folder / "accelerate").exists() for each in folder.glob("accelerate*")]


def test_a_pip_that_is_configured_to_install_elsewhere_is_not_started(make: Make, knowing: Knowing, tmp_path: Path) -> None:
    patient = make(*STACK, installer="pip")
    configuration, tree = tmp_path / "pip.conf", patient.tree()
    configuration.write_text(f"[install]\ntarget = {tmp_path / 'elsewhere'}\n")
    said = knowing(OLD_ACCELERATE)(patient, "--yes", code=2, variables={"PIP_CONFIG_FILE": str(configuration)})
    assert said["outcome"] == "unverified"
    assert "install.target" in said["sentence"] or "target" in said["sentence"]
    assert patient.tree() == tree
    assert not (tmp_path / "elsewhere").exists()


def test_builds_of_ones_own_editable_trees_and_version_control_come_back(make: Make, knowing: Knowing, index: Index, tmp_path: Path) -> None:
    """What no index has: undoing takes it from what was kept."""
    patient = make("torch==2.13.0+cpu", "accelerate==1.0.1")
    name, content = wheel("transformers", "4.50.0.dev0", ["accelerate"])
    (tmp_path / name).write_bytes(content)
    patient.install(tmp_path / name)
    (tmp_path / name).unlink()
    _came_from_version_control(patient, "accelerate")
    _editable(patient, tmp_path / "src", "peft", "0.9.0")
    index.add("transformers", "4.50.0")
    freeze, tree = patient.freeze(), patient.tree()
    assert "git+https" in freeze
    assert "-e file" in freeze
    dev = advisory("MT902", "transformers", "4.50.0.dev0,4.50.0")
    editable = advisory("MT903", "peft", "-,0.10.0")
    index.add("peft", "0.10.0")
    done = knowing(OLD_ACCELERATE, dev, editable)(patient, "--yes", "--only", "MT901", "MT902", "MT903", code=0)
    assert {each["package"]: each["to"] for each in done["steps"]} == {"transformers": "4.50.0", "accelerate": "1.1.0", "peft": "0.10.0"}
    assert knowing()(patient, "--undo", code=0)["freeze_is_the_same"] is True
    assert patient.freeze() == freeze
    assert patient.tree() == tree


def _came_from_version_control(patient: Patient, name: str) -> None:
    (info,) = patient.site_packages.glob(f"{name}-*.dist-info")
    origin = {"url": "https://example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}
    (info / "direct_url.json").write_text(json.dumps(origin))
    with open(info / "RECORD", "a") as record:
        record.write(f"{info.name}/direct_url.json,,\n")


def _editable(patient: Patient, folder: Path, name: str, version: str) -> None:
    """As PEP 660 leaves it: a record, and a .pth file that leads to the tree."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(f"__version__ = {version!r}\n")
    site_packages = patient.site_packages
    (site_packages / f"__editable__.{name}.pth").write_text(f"{folder}\n")
    info = site_packages / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "INSTALLER").write_text("uv")
    (info / "direct_url.json").write_text(json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True}}))
    listed = (f"__editable__.{name}.pth", *(f"{info.name}/{each}" for each in ("METADATA", "INSTALLER", "direct_url.json", "RECORD")))
    (info / "RECORD").write_text("".join(f"{each},,\n" for each in listed))


def test_an_index_that_fails_while_it_is_asked_what_goes_together_leaves_everything_as_it_was(make: Make, knowing: Knowing, index: Index) -> None:
    patient = make(*STACK)
    tree = patient.tree()
    index.fails = lambda kind: kind == "files"
    assert knowing(OLD_ACCELERATE)(patient, "--yes", code=2)["outcome"] == "unverified"
    assert patient.tree() == tree


def test_an_index_that_fails_half_way_leaves_everything_as_it_was(make: Make, knowing: Knowing, index: Index) -> None:
    patient = make(*STACK, installer="pip")
    tree, freeze = patient.tree(), patient.freeze()
    index.fails = lambda kind: kind == "files" and journal_of(patient).exists()
    said = knowing(OLD_ACCELERATE)(patient, "--yes", code=2)
    assert (said["outcome"], said["freeze_is_the_same"]) == ("put-back", True)
    assert "the index did not answer as it should" in said["sentence"]
    assert patient.freeze() == freeze
    assert patient.tree() == tree


@pytest.mark.parametrize("limit", [2_000, 300_000])
def test_a_full_disk_leaves_everything_as_it_was(make: Make, knowing: Knowing, index: Index, limit: int) -> None:
    """At the first limit what is there cannot be kept, at the second what is new cannot be unpacked."""
    index.add("accelerate", "1.1.0", files={"accelerate/large.bin": "x" * 1_000_000})
    patient = make(*STACK)
    tree = patient.tree()
    with limited(limit):
        ran = knowing(OLD_ACCELERATE).shown(patient, "--yes")
    assert ran.code == 2, ran.out
    assert patient.tree() == tree


@contextlib.contextmanager
def limited(size: int) -> Iterator[None]:
    """No file that a child writes may be larger: it gets the error that a full disk gives."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_turns_out_worse_is_put_back(make: Make, knowing: Knowing, index: Index) -> None:
    index.add("accelerate", "1.1.0", files={"accelerate/__init__.py": "raise ImportError('libfoo.so: cannot open')\n"})
    patient = make(*STACK)
    tree = patient.tree()
    said = knowing(OLD_ACCELERATE)(patient, "--yes", code=2)
    assert (said["outcome"], said["freeze_is_the_same"]) == ("put-back", True)
    assert "accelerate could be imported before, and cannot now" in said["faults"][0]
    assert patient.tree() == tree


def test_what_was_changed_since_is_not_undone_and_what_was_added_since_stays(make: Make, knowing: Knowing, index: Index) -> None:
    index.add("newer", "1.0")
    patient, fix = make(*STACK), knowing(OLD_ACCELERATE)
    freeze = patient.freeze()
    fix(patient, "--yes", code=0)
    patient.install("newer==1.0", "accelerate==1.15.0")
    said = fix(patient, "--undo", code=2)
    assert said["outcome"] == "not-undone"
    assert "accelerate is 1.15.0, and was 1.1.0 after the fix" in said["sentence"]
    patient.install("accelerate==1.1.0")
    fix(patient, "--undo")
    assert patient.freeze().replace("newer==1.0\n", "") == freeze
    assert (patient.site_packages / "newer" / "core.py").exists()


def test_two_doctors_do_not_change_one_environment_at_once(make: Make, knowing: Knowing) -> None:
    import fcntl

    patient = make(*STACK)
    descriptor = os.open(patient.home, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        ran = knowing(OLD_ACCELERATE).shown(patient, "--yes")
    finally:
        os.close(descriptor)
    assert ran.code == 2
    assert "another doctor is changing" in ran.err


@pytest.mark.skipif(shutil.which("unshare") is None, reason="it takes a file system of one's own")
def test_a_read_only_environment_is_refused(make: Make, knowing: Knowing) -> None:
    """Mounted so: permissions alone would not stop root."""
    patient = make(*STACK)
    mounted = f"mount --bind {patient.home} {patient.home} && mount -o remount,ro,bind {patient.home}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mounted], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount")
    command = f"{sys.executable} -m doctor fix --yes --matrix {knowing(OLD_ACCELERATE).matrix} --format json --python {patient.home}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"{mounted} && {command}"], capture_output=True, text=True, check=False, env=patient.environment
    )
    said = json.loads(done.stdout)
    assert (said["outcome"], done.returncode) == ("refused", 2)
    assert "cannot be written to" in said["sentence"]


def home(prefix: Path, *, virtual: bool = True, externally_managed: bool = False) -> Home:
    return Home(str(prefix / "bin/python"), prefix, (prefix,), {}, (), virtual, externally_managed)


def test_what_is_not_the_users_own_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    assert refusal(home(tmp_path)) is None
    assert "EXTERNALLY-MANAGED" in str(refusal(home(tmp_path, virtual=False, externally_managed=True)))
    assert "no virtual environment" in str(refusal(home(tmp_path, virtual=False)))
    (tmp_path / "conda-meta").mkdir()
    assert refusal(home(tmp_path, virtual=False)) is None
    (tmp_path / "condabin").mkdir()
    assert "conda create" in str(refusal(home(tmp_path, virtual=False)))


# Killed


def test_killed_at_any_instant_it_can_be_finished_or_undone(make: Make, knowing: Knowing) -> None:
    """A few instants; DOCTOR_FIX_KILLS=50 tries more, and tools/fix_stacks.py real stacks."""
    patient, fix = make(*STACK), knowing(OLD_ACCELERATE, advisory("MT902", "transformers", "-,4.57"))
    freeze, tree = patient.freeze(), patient.tree()
    before, change = killed_after(fix, patient, 600, within=True)
    assert state(patient) == "done"
    fix(patient, "--undo", code=0)
    chance = random.Random(14)
    for attempt in range(int(os.environ.get("DOCTOR_FIX_KILLS", "3"))):
        within = attempt % 4 > 0
        instant = chance.uniform(0, change if within else before)
        killed_after(fix, patient, instant, within=within)
        found = state(patient)
        if attempt % 2:
            assert fix(patient, "--yes", code=0)["outcome"] in ("cured", "nothing-to-do")
            assert "accelerate==1.1.0" in patient.freeze()
        if (patient.home / ".doctor-fix").exists():
            assert fix(patient, "--undo", code=0)["freeze_is_the_same"] is True
        assert patient.freeze() == freeze
        assert patient.tree() == tree
        sys.stdout.write(f"killed {instant:.2f} s after it began{' to change anything' if within else ''}: {found}\n")


def state(patient: Patient) -> str:
    """How far a fix that was killed had come."""
    journal = journal_of(patient)
    return str(json.loads(journal.read_text())["state"]) if journal.exists() else "nothing"


def journal_of(patient: Patient) -> Path:
    """Lies there from the moment that something may be changed."""
    return patient.home / ".doctor-fix" / "journal.json"


def killed_after(fix: Fixing, patient: Patient, seconds: float, *, within: bool) -> tuple[float, float]:
    """Kill a fix so many seconds after its start, or `within` the change, after the start of that; it may have ended by then.

    Returns how long it took until the change began, and from then on.
    """
    command = [sys.executable, "-m", "doctor", "fix", "--yes", "--matrix", str(fix.matrix), "--python", str(patient.home)]
    process = subprocess.Popen(command, env=patient.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    began = time.monotonic()
    while within and process.poll() is None and not (patient.home / ".doctor-fix").exists():
        time.sleep(0.005)
    changing = time.monotonic()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ended = time.monotonic()
    time.sleep(0.2)  # for the kernel to end what it had started
    return changing - began, ended - changing


def test_a_half_applied_change_is_noticed_by_check_and_by_fix(make: Make, knowing: Knowing) -> None:
    patient, fix = make(*STACK), knowing(OLD_ACCELERATE)
    tree = patient.tree()
    fix(patient, "--yes", code=0)
    journal = journal_of(patient)
    data: dict[str, Any] = {**json.loads(journal.read_text()), "state": "applying", "versions": []}
    journal.write_text(json.dumps(data))
    shutil.rmtree(next(patient.site_packages.glob("accelerate-*.dist-info")))  # as when the record was not written yet
    report = fix.check(patient)
    assert "IN015" in {each["id"] for each in report["findings"] if each["concerns"] == "environment"}
    assert report["upgrade"]["fix"] == f"doctor fix --python {patient.python}"
    said = fix(patient, code=2)
    assert said["outcome"] == "unfinished"
    assert "--undo" in said["sentence"]
    assert fix(patient, "--undo", code=0)["freeze_is_the_same"] is True
    assert patient.tree() == tree
    assert "IN015" not in {each["id"] for each in fix.check(patient)["findings"]}


def test_ctrl_c_puts_everything_back(make: Make, knowing: Knowing, index: Index) -> None:
    """Pressed while the installer waits for what it is to install."""
    patient, fix = make(*STACK, installer="pip"), knowing(OLD_ACCELERATE)
    tree, asked, answer = patient.tree(), threading.Event(), threading.Event()

    def waits(kind: str) -> bool:
        if kind == "files" and journal_of(patient).exists():
            asked.set()
            answer.wait(120)
        return False

    index.fails = waits
    command = [sys.executable, "-m", "doctor", "fix", "--yes", "--matrix", str(fix.matrix), "--python", str(patient.home)]
    process = subprocess.Popen(command, env=patient.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert asked.wait(120)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    answer.set()
    assert process.returncode == 130
    assert patient.tree() == tree
    assert not (patient.home / ".doctor-fix").exists()
