"""Where `--output` writes: a regular file whole or not at all, everything else as it is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import Doctor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and devices are POSIX")
SHOW = ("matrix", "show", "MT080")


def _null_device(folder: Path) -> Path:
    """A device of its own that swallows everything: the machine's is not put at risk by a test."""
    device = folder / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.write_text("")
    except OSError:
        pytest.skip("no device can be made here")
    return device


def test_a_device_is_written_to_and_stays_one(doctor: Doctor, tmp_path: Path) -> None:
    device = _null_device(tmp_path)
    for arguments in ((*SHOW, "--output", device), ("report", "--no-live", "--python", sys.executable, "--output", device)):
        ran = doctor(*arguments)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        assert stat.S_ISCHR(device.stat().st_mode)
    assert [each.name for each in tmp_path.iterdir()] == ["null"]


def test_a_device_behind_a_link_is_written_to(doctor: Doctor, tmp_path: Path) -> None:
    device, link = _null_device(tmp_path), tmp_path / "link"
    link.symlink_to("null")
    assert doctor(*SHOW, "--output", link).code == 0
    assert stat.S_ISCHR(device.stat().st_mode)
    assert link.is_symlink()


def test_a_pipe_is_written_to(doctor: Doctor, tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")))
    reader.start()
    ran = doctor(*SHOW, "--output", pipe)
    if not stat.S_ISFIFO(os.stat(pipe).st_mode):
        pytest.fail("the pipe was replaced")
    reader.join(20)
    assert (ran.code, read) == (0, [doctor(*SHOW).out])


def test_what_a_shell_hands_over_as_a_file_is_written_to(doctor: Doctor, tmp_path: Path) -> None:
    """`--output >(sort)`."""
    command = f"'{sys.executable}' -m doctor {' '.join(SHOW)} --output >(cat > {tmp_path}/copy); wait $!"
    subprocess.run(["bash", "-c", command], check=True, timeout=60)
    assert (tmp_path / "copy").read_text("utf-8") == doctor(*SHOW).out


def test_the_target_of_a_link_is_written_and_the_link_kept(doctor: Doctor, tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "report.txt", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to("elsewhere/report.txt")
    for _ in ("made", "replaced"):
        assert doctor(*SHOW, "--output", link).code == 0
        assert link.is_symlink()
        assert target.read_text("utf-8") == doctor(*SHOW).out


def test_links_that_lead_nowhere_are_one_line(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "lost").symlink_to("no/folder/here")
    for name, why in (("loop", "Too many levels of symbolic links"), ("lost", "No such file or directory")):
        ran = doctor(*SHOW, "--output", name)
        assert (ran.code, ran.out, ran.err) == (2, "", f"doctor: --output {name}: cannot be written: {why}\n")
        assert (tmp_path / name).is_symlink()


def test_a_file_keeps_its_permissions_and_its_owner(doctor: Doctor, tmp_path: Path) -> None:
    kept = tmp_path / "report.txt"
    kept.write_text("earlier")
    kept.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(kept, 1234, 2345)
    before = kept.stat()
    assert doctor(*SHOW, "--output", kept).code == 0
    after = kept.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert kept.read_text("utf-8") == doctor(*SHOW).out


def test_a_new_file_has_the_permissions_of_any_new_file(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    assert doctor(*SHOW, "--output", tmp_path / "new").code == 0
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.skipif(sys.platform != "win32" and os.geteuid() == 0, reason="everything may be written by root")
def test_a_write_protected_file_is_left_alone(doctor: Doctor, tmp_path: Path) -> None:
    kept = tmp_path / "report.txt"
    kept.write_text("earlier")
    kept.chmod(0o444)
    ran = doctor(*SHOW, "--output", kept)
    assert (ran.code, ran.err) == (2, f"doctor: --output {kept}: cannot be written: Permission denied\n")
    assert kept.read_text() == "earlier"


@pytest.mark.skipif(not os.path.exists("/proc/self/fd/1"), reason="open files have no names here")
def test_our_own_stdout_named_as_a_file_is_added_to(tmp_path: Path) -> None:
    """As with `/dev/stdout`, whose twin this is: the machine's is not put at risk by a test."""
    log, twin = tmp_path / "log", tmp_path / "stdout"
    log.write_text("earlier\n")
    twin.symlink_to("/proc/self/fd/1")
    with log.open("a") as stream:
        subprocess.run([sys.executable, "-m", "doctor", *SHOW, "--output", twin], stdout=stream, check=True, timeout=60)
    assert log.read_text("utf-8").startswith("earlier\nMT080")
    assert twin.is_symlink()


def test_a_name_as_long_as_names_may_be(doctor: Doctor, tmp_path: Path) -> None:
    assert doctor(*SHOW, "--output", "r" * 255).code == 0
    assert (tmp_path / ("r" * 255)).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf_8(doctor: Doctor, tmp_path: Path) -> None:
    strange = os.fsdecode(b"r\xe9port")
    for arguments in (SHOW, ("matrix", "show", "MT999")):
        ran = doctor(*arguments, "--output", tmp_path / strange)
        assert ran.code == (0 if arguments == SHOW else 2)
    assert (tmp_path / strange).exists()
