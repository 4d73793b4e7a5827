"""Files that somebody else put there: what is none is said and never waited for, what is endless is left."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from doctor.files import names_in, read_beginning, read_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="named pipes and devices are POSIX")


def why_not(path: Path, most: int = 1024) -> str | None:
    with pytest.raises(OSError, match=r".") as refused:
        read_file(path, most)
    return refused.value.strerror


def test_a_file_is_read_whole_or_from_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 200_000)
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link", 200_000) == b"x" * 200_000
    assert read_beginning(tmp_path / "file", 70_000) == b"x" * 70_000
    assert read_beginning(tmp_path / "file", 0) == b""


def test_one_that_is_longer_than_expected_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1025)
    assert why_not(tmp_path / "file") == "more than 1 KiB"


def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    assert why_not(tmp_path / "pipe") == "a named pipe, not a file"
    assert why_not(tmp_path / "endless") == "a device, not a file"
    assert why_not(tmp_path / "folder") == "a folder, not a file"
    assert why_not(tmp_path / "loop") == "Too many levels of symbolic links"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))
        assert why_not(tmp_path / "socket") is not None


@pytest.mark.parametrize("name", ["nul\0byte", "half a character \ud800", "nowhere"])
def test_a_name_that_no_file_has_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / name, 10)
    assert names_in(tmp_path / name) == []
