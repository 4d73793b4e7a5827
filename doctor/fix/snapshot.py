"""What an environment was before it is changed, kept inside it, and put back from there without an index, a network or an installer.

The files of the distributions that are going to change are kept as hard links: installers never write into a file that is there, they
unlink it, so that the link keeps what was; it takes no time and no room until then. Small files, and all where the file system has no
links, are copied. Nothing of the environment is touched before all of that is on the disk (fsync) under its name.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen, replace
from doctor.files import read_file
from doctor.fix.home import Home
from doctor.fix.inventory import Installed, Inventory, versions_of
from doctor.fix.resolving import Step
from doctor.knowledge import schema
from doctor.probe.unfinished import JOURNAL, KEPT

State = Literal["applying", "proving", "restoring", "done"]
_LISTING = "listing.json"
_FILES = "files"
_MAX_BYTES = 256 * 1024 * 1024
_COPIED_BYTES = 64 * 1024
"""Files up to this size are copied: scripts and records, which something might write into after all."""


class Journal(Frozen):
    """What was begun, and how far it came."""

    state: State
    steps: tuple[Step, ...]
    """What is changed."""
    index: str | None
    """The further index that torch comes from; None where the usual one has all."""
    targets: tuple[str, ...]
    """Ids of the findings it is done for."""
    cures: tuple[str, ...]
    """Those of them that will not hold any more."""
    reproduced: tuple[str, ...]
    """Those of them whose reproducer failed before."""
    freeze: str
    """What `freeze` said before."""
    complaints: tuple[str, ...]
    """What `check` said before, a line each."""
    importable: tuple[str, ...]
    """Packages that could be imported before."""
    installer: Literal["pip", "uv"]
    """What makes the change."""
    versions: tuple[str, ...] = ()
    """Afterwards, what was changed, as `name==version`; empty before the end."""
    edited: tuple[str, ...] = ()
    """Files of the project that are edited too, and kept as well."""
    digests: tuple[str, ...] = ()
    """What these were afterwards, each as `digest` has it; empty before the end."""


class _Listing(Frozen):
    """Every file there was in the folders that installers fill, relative to the environment."""

    present: tuple[str, ...]
    kept: tuple[str, ...]
    """Those of what is changed: kept."""
    loose: tuple[str, ...]
    """Kept as well: small files that make packages importable, and that an installer cut short may have left half changed."""
    edited: tuple[str, ...]
    """Files of the project that are kept, by the number that they are kept under."""


def read_journal(home: Home) -> Journal | None:
    """The journal that lies in an environment; None where there is none. Raises `DoctorError` for one that cannot be understood."""
    file = home.prefix / KEPT / JOURNAL
    try:
        data = json.loads(read_file(file, _MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DoctorError(f"{file}: cannot be read ({error}); move {file.parent} away if nothing is to be undone from it") from None
    wrong = next(iter(schema.mismatches(Journal, data)), None)
    if wrong is not None:
        raise DoctorError(f"{file}: {schema.dotted(wrong.path)}: {wrong.message}; another doctor wrote it, use that one")
    journal: Journal = schema.construct(Journal, data)
    return journal


def write_journal(home: Home, journal: Journal) -> None:
    """Put a journal in the place of the one that is there, whole, and on the disk."""
    _write_whole(home.prefix / KEPT, journal)


@contextlib.contextmanager
def locked(home: Home) -> Iterator[None]:
    """Nobody else may change this environment with doctor meanwhile. Raises `DoctorError` when somebody does. The lock goes with the process."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(home.prefix, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DoctorError(f"another doctor is changing {home.prefix} at this moment: wait until it has ended") from None
        yield
    finally:
        os.close(descriptor)


def take(home: Home, inventory: Inventory, journal: Journal) -> None:
    """Keep what the steps of the journal, and what it edits, will change. Raises `DoctorError`, with nothing kept, when that cannot be done."""
    unfinished, final = home.prefix / f"{KEPT}.new", home.prefix / KEPT
    changing = [inventory[each.package] for each in journal.steps if each.package in inventory]
    try:
        _remove(unfinished)
        (unfinished / _FILES).mkdir(parents=True)
        kept = _recorded(changing, home)
        loose = [each for each in _loose(home) if each not in kept]
        for each in (*kept, *loose):
            _keep(home.prefix / each, unfinished / _FILES / each)
        for number, name in enumerate(journal.edited):
            _copy(Path(name), unfinished / f"edited-{number}")
        listing = _Listing(tuple(_present(home)), tuple(kept), tuple(loose), journal.edited)
        _write(unfinished / _LISTING, json.dumps(schema.plain(listing)))
        _write_whole(unfinished, journal)
        _sync_tree(unfinished)
        older = home.prefix / f"{KEPT}.old"
        _remove(older)
        if final.exists():
            os.rename(final, older)
        os.rename(unfinished, final)
        _sync(home.prefix)
        _remove(older)
    except OSError as error:
        with contextlib.suppress(OSError):
            _remove(unfinished)
        what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else error.strerror or str(error)
        raise DoctorError(f"what is there now cannot be kept in {unfinished}, so nothing was changed: {what}") from None


def give_up(home: Home) -> None:
    """Remove what is kept: everything is as it was."""
    gone = home.prefix / f"{KEPT}.old"
    with contextlib.suppress(FileNotFoundError):
        _remove(gone)
        os.rename(home.prefix / KEPT, gone)
        _sync(home.prefix)
        _remove(gone)


def restore(home: Home, journal: Journal) -> None:
    """Put back what was there, file by file; begun again after whatever cut it short, it comes to the same end.

    What was installed since by others is left alone. Raises `DoctorError` where the files kept are not whole.
    """
    folder = home.prefix / KEPT
    data = json.loads(read_file(folder / _LISTING, _MAX_BYTES))
    if any(schema.mismatches(_Listing, data)):
        raise DoctorError(f"{folder / _LISTING}: is not what doctor wrote there; nothing was changed")
    listing: _Listing = schema.construct(_Listing, data)
    kept = listing.kept if journal.state == "done" else (*listing.kept, *listing.loose)  # others may have changed these since
    missing = [each for each in kept if not os.path.lexists(folder / _FILES / each)]
    if missing:
        raise DoctorError(f"{folder}: {len(missing)} files that were kept are gone, {missing[0]} among them; nothing was changed")
    with contextlib.suppress(OSError):  # On a full disk it goes on without: whatever state is written there, it is not "done".
        if journal.state != "restoring":
            write_journal(home, replace(journal, state="restoring"))
    try:
        _take_out(home, journal, frozenset(listing.present))
        for each in kept:
            _put_back(folder / _FILES / each, home.prefix / each)
        for number, name in enumerate(listing.edited):
            _put_back(folder / f"edited-{number}", Path(name))
        if hasattr(os, "sync"):
            os.sync()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise DoctorError(f"{where}cannot be put back: {error.strerror}; mend that, and `doctor fix --undo` goes on") from None


def changed_since(journal: Journal, inventory: Inventory) -> tuple[str, ...]:
    """What was changed again after the fix, for people: undoing would undo that as well. Empty where nothing was."""
    now = versions_of(inventory)
    edited = (name for name, was in zip(journal.edited, journal.digests, strict=False) if digest(Path(name)) != was)
    after = dict(each.split("==", 1) for each in journal.versions)
    moved = (f"{name} is {now.get(name, 'gone')}, and was {version} after the fix" for name, version in after.items() if now.get(name) != version)
    return (*moved, *(f"{name} was edited after the fix" for name in edited))


def digest(file: Path) -> str:
    """A file's SHA-256; empty where it is not there."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def room_taken(home: Home) -> int:
    """Bytes that only what is kept takes up: of what the environment still uses too, none."""
    total = 0
    for folder, _, names in os.walk(home.prefix / KEPT):
        for name in names:
            with contextlib.suppress(OSError):
                found = os.lstat(os.path.join(folder, name))
                total += found.st_size if found.st_nlink == 1 else 0
    return total


# What is kept


def _recorded(changing: Iterable[Installed], home: Home) -> list[str]:
    """The files of distributions, relative to the environment. Raises `DoctorError` for one that lies outside, which nobody could put back."""
    found: dict[str, None] = {}
    for each in changing:
        for file in _own(each):
            if os.path.lexists(file):
                found.setdefault(_within(file, home, each.name))
    return list(found)


def _loose(home: Home) -> Iterator[str]:
    """The small files that lie beside packages and make others importable: every `.pth`, and the links of old editable installs."""
    for root in home.roots[:-1]:
        for file in sorted((*root.glob("*.pth"), *root.glob("*.egg-link"))):
            if file.is_file():
                yield _within(file, home, file.name)


def _files_of(record: Path) -> Iterator[Path]:
    """The files that a RECORD lists, with the byte-code of the sources among them."""
    try:
        lines = (record / "RECORD").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    for row in csv.reader(lines):
        if row and row[0]:
            yield Path(os.path.normpath(record.parent / row[0]))


def _within(file: Path, home: Home, name: str) -> str:
    real = Path(os.path.realpath(file.parent), file.name)
    prefix = Path(os.path.realpath(home.prefix))
    if not real.is_relative_to(prefix):
        raise DoctorError(f"{name} has files outside of this environment ({file}): doctor changes nothing there; move it by hand")
    return str(real.relative_to(prefix))


def _present(home: Home) -> Iterator[str]:
    """Every file in the folders that installers fill."""
    prefix = os.path.realpath(home.prefix)
    for root in dict.fromkeys(os.path.realpath(each) for each in home.roots):
        for folder, folders, names in os.walk(root):
            links = [each for each in folders if os.path.islink(os.path.join(folder, each))]
            yield from (os.path.relpath(os.path.join(folder, name), prefix) for name in (*names, *links))


def _keep(source: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    found = os.lstat(source)
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(source), kept)
        return
    if found.st_size > _COPIED_BYTES:
        with contextlib.suppress(OSError):
            os.link(source, kept)
            return
    _copy(source, kept)


def _copy(source: Path, kept: Path) -> None:
    shutil.copy2(source, kept)
    _sync(kept)


# Putting it back


def _take_out(home: Home, journal: Journal, present: frozenset[str]) -> None:
    """Remove what the installer put there, finished or not; what others have put there since stays."""
    prefix = Path(os.path.realpath(home.prefix))
    changed = {each.package for each in journal.steps}
    inventory = home.inventory()
    others = {_within(file, home, name) for name, each in inventory.items() if name not in changed and home.holds(each.record) for file in _own(each)}
    new = [each for each in _present(home) if each not in present and each not in others]
    done = bool(journal.versions)
    if done:  # What the fix installed is on record; anything else that is new was made by somebody since.
        ours = {_within(file, home, name) for name, each in inventory.items() if name in changed for file in _own(each)}
        new = [each for each in new if each in ours or _is_compiled(each)]
    for each in new:
        if not (_is_compiled(each) and _source_is_there(prefix / each, present, others, prefix)):
            (prefix / each).unlink(missing_ok=True)
    _remove_empty({(prefix / each).parent for each in new}, home)


def _own(installed: Installed) -> Iterator[Path]:
    """The files of a distribution: those on its list, and its record itself, some of which may not be."""
    yield from _files_of(installed.record)
    if installed.record.is_dir():
        yield from (each for each in installed.record.rglob("*") if each.is_symlink() or not each.is_dir())


def _is_compiled(name: str) -> bool:
    return name.endswith(".pyc") and "__pycache__" in name


def _source_is_there(compiled: Path, present: frozenset[str], others: set[str], prefix: Path) -> bool:
    """Whether byte-code is of a source that stays: Python makes it when it first imports that."""
    source = str((compiled.parent.parent / f"{compiled.name.partition('.')[0]}.py").relative_to(prefix))
    return source in present or source in others


def _remove_empty(folders: Iterable[Path], home: Home) -> None:
    roots = {Path(os.path.realpath(each)) for each in home.roots}
    for folder in sorted(folders, key=lambda each: len(each.parts), reverse=True):
        here = folder
        while here not in roots and here != here.parent:
            try:
                here.rmdir()
            except OSError:
                break
            here = here.parent


def _put_back(kept: Path, target: Path) -> None:
    """Under its name as it was: at once, so that there is never half a file. Left alone where it is there already."""
    was = os.lstat(kept)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        now = os.lstat(target)
        if os.path.samestat(was, now) or (_like(was) == _like(now) and stat.S_ISREG(was.st_mode)):
            return
        if stat.S_ISDIR(now.st_mode):
            shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name[:60]}.doctor")
    aside.unlink(missing_ok=True)
    if stat.S_ISLNK(was.st_mode):
        os.symlink(os.readlink(kept), aside)
    elif was.st_size <= _COPIED_BYTES or not _linked(kept, aside):
        _copy(kept, aside)
    os.replace(aside, target)


def _like(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_mode, found.st_size, found.st_mtime_ns


def _linked(kept: Path, aside: Path) -> bool:
    try:
        os.link(kept, aside)
    except OSError:
        return False
    return True


# On the disk


def _write_whole(folder: Path, journal: Journal) -> None:
    unfinished = folder / f"{JOURNAL}.new"
    _write(unfinished, json.dumps(schema.plain(journal)))
    os.replace(unfinished, folder / JOURNAL)
    _sync(folder)


def _write(file: Path, text: str) -> None:
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(path: Path) -> None:
    """Have the kernel write a file or a folder to the disk now (fsync(2)); Windows has no such thing for folders."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    """Every folder in it: of linked files only the names are new."""
    for each, _, _ in os.walk(folder, topdown=False):
        _sync(Path(each))


def _remove(folder: Path) -> None:
    if os.path.lexists(folder):
        shutil.rmtree(folder)
