"""A newer matrix than the one doctor ships, taken from a file whose checksum was met, and kept in the user's own data folder.

One file holds all of it, so that it is replaced whole or not at all: a line that tells a damaged file, one that says what it is, the
matrix compiled as the built-in one is, and the YAML as it was published. Compiled, it is true beside the doctor and the built-in matrix
that it was compiled beside; another doctor compares the versions, and compiles it anew when it is still the newer one.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen, replace
from doctor.files import read_file
from doctor.knowledge import schema
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import (
    MAX_BYTES,
    MatrixFileError,
    builtin_file,
    builtin_matrix,
    compiled_from,
    compiled_in,
    fingerprint,
    parse_matrix,
    read_content,
)
from doctor.version import __version__

VARIABLE = "DOCTOR_DATA_HOME"
"""Names the folder instead."""
REMEDY = "`doctor matrix update --remove` takes it away"
_NAME = "matrix-update"
_FORMAT = b"meta-tensor-doctor matrix 1 "
"""How the file begins; the CRC-32 of all that follows the first line stands behind it."""
_MOST_BYTES = 4 * MAX_BYTES


class Kept(Frozen):
    """What an update says of itself."""

    version: str
    """Of the matrix: the day it is of."""
    source: str
    """The address or file it was taken from."""
    sha256: str
    """Of the YAML, in hexadecimal digits."""
    compiled_by: tuple[str, ...]
    """What the compiled form is true beside: the release of doctor and its built-in matrix."""
    compiled_bytes: int
    """How long the compiled form is, which begins on the next line; the YAML is the rest."""


def data_folder() -> Path | None:
    """Where the user's own data is kept, as the platform has it (XDG Base Directory Specification); None where there is no home to have it in."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME", "")
        if not os.path.isabs(base):  # which the specification says to ignore
            base = os.path.join(home, ".local", "share")
    return Path(base) / "meta-tensor-doctor" if os.path.isabs(base) else None


def day_of(version: str) -> tuple[int, ...] | None:
    """The day a matrix is of, by its version (`2026.11.29`): year, month, day. None for anything else."""
    parts = version.split(".")
    if len(parts) != 3 or not all(each.isascii() and each.isdecimal() and len(each) <= 4 for each in parts):
        return None
    year, month, day = map(int, parts)
    return (year, month, day) if year >= 2000 and 1 <= month <= 12 and 1 <= day <= 31 else None


def own_matrix() -> Matrix:
    """The newer of the matrix doctor ships and the one it was updated to. Raises `MatrixFileError` when the shipped one was damaged.

    An update that cannot be used is passed over, and `Matrix.unused` says why.
    """
    try:
        found = _read()
    except DoctorError as error:
        return builtin_matrix(unused=str(error))
    if found is None:
        return builtin_matrix()
    kept, compiled, yaml = found
    if kept.compiled_by == _beside():
        matrix = compiled_in(compiled.split(b"\n"), source=_source(kept))
        if matrix is not None:
            return matrix
    shipped = builtin_matrix()
    if not is_newer(kept.version, shipped.version):
        return shipped
    try:
        matrix = parse_matrix(yaml, str(_file()))
    except MatrixFileError as error:
        return builtin_matrix(unused=f"{error.lines[0]}; the updated matrix is one that this doctor cannot read: {REMEDY}")
    content = _packed(matrix, yaml, kept.source, kept.sha256)
    with contextlib.suppress(DoctorError), _alone():  # where it cannot be written, the next start is as slow
        again = kept_update()
        if again is not None and again.sha256 == kept.sha256:
            _write(content)
    return replace(matrix, source=_source(kept))


def is_newer(version: str, other: str) -> bool:
    """Whether one version of a matrix is of a later day than another; False where either is no date."""
    day, before = day_of(version), day_of(other)
    return day is not None and before is not None and day > before


def kept_update() -> Kept | None:
    """The update that is kept, used or not; None when there is none, or it is damaged."""
    try:
        found = _read()
    except DoctorError:
        return None
    return found[0] if found is not None else None


def own_yaml() -> bytes:
    """The YAML of `own_matrix`, as it was published."""
    matrix, found = own_matrix(), None
    with contextlib.suppress(DoctorError):
        found = _read()
    return found[2] if found is not None and matrix.source == _source(found[0]) else read_content(builtin_file())


def keep(matrix: Matrix, yaml: bytes, source: str, sha256: str) -> None:
    """Keep a matrix, with the YAML it was parsed from, in place of any update before it that is not newer.

    Raises `DoctorError` when there is a newer one, no folder to keep it in, or it cannot be written there.
    """
    content = _packed(matrix, yaml, source, sha256)
    with _alone():
        now = kept_update()
        if now is not None and is_newer(now.version, matrix.version):
            raise DoctorError(older(source, matrix.version, now.version, _source(now)))
        _write(content)


def older(place: str, version: str, in_use: str, source: str) -> str:
    """What is said of a matrix that is older than the one in use."""
    return f"{place}: its matrix is of {version}, older than the one in use, {in_use} ({source})"


def _packed(matrix: Matrix, yaml: bytes, source: str, sha256: str) -> bytes:
    compiled = compiled_from(matrix, yaml).encode("ascii")
    kept = Kept(matrix.version, source, sha256, _beside(), len(compiled))
    content = b"\n".join((json.dumps(schema.plain(kept)).encode("ascii"), compiled, yaml))
    return b"%s%d\n%s" % (_FORMAT, zlib.crc32(content), content)


def remove() -> None:
    """Take the update away, if there is one. Raises `DoctorError` when it cannot be removed."""
    file = _file()
    if file is None:
        return
    try:
        file.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise DoctorError(f"{file}: cannot be removed: {error.strerror}") from None


def _source(kept: Kept) -> str:
    return f"updated from {kept.source}"


def _file() -> Path | None:
    folder = data_folder()
    return folder / _NAME if folder is not None else None


def _beside() -> tuple[str, ...]:
    return (__version__, *map(str, fingerprint(read_content(builtin_file()))))


def _read() -> tuple[Kept, bytes, bytes] | None:
    """What is kept, its compiled form and its YAML; None when nothing is, or nothing this user may read. Raises `DoctorError` for what is damaged."""
    file = _file()
    if file is None:
        return None
    try:
        content = read_file(file, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        raise DoctorError(f"{file}: the updated matrix cannot be read: {error.strerror}; {REMEDY}") from None
    first, _, content = content.partition(b"\n")
    if first == b"%s%d" % (_FORMAT, zlib.crc32(content)):
        head, _, rest = content.partition(b"\n")
        kept: Kept = schema.construct(Kept, json.loads(head))
        return kept, rest[: kept.compiled_bytes], rest[kept.compiled_bytes + 1 :]
    raise DoctorError(f"{file}: the updated matrix is damaged; {REMEDY}")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """While no other doctor writes there: what is compared is then still so when it is replaced. Windows, and some file systems of other
    machines, have no such lock for a folder."""
    file = _file()
    if file is None:
        raise DoctorError(f"there is no home folder to keep a matrix in: name a folder in {VARIABLE}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_be_written(file, error) from None
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        folder = os.open(file.parent, os.O_RDONLY)
    except OSError as error:
        raise _cannot_be_written(file, error) from None
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(content: bytes) -> None:
    """Replace the file whole, or leave it as it is."""
    import tempfile

    file = _file()
    assert file is not None
    try:
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{_NAME}.", dir=file.parent)
        try:
            with open(descriptor, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(unfinished, file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(unfinished)
    except OSError as error:
        raise _cannot_be_written(file, error) from None


def _cannot_be_written(file: Path, error: OSError) -> DoctorError:
    return DoctorError(f"{file}: cannot be written: {error.strerror}; {VARIABLE} names another folder")
