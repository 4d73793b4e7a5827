"""A change from its beginning to its end: kept, applied, proved, and put back where it did not do what it was for."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from doctor.facts.frozen import Frozen, replace
from doctor.fix import snapshot
from doctor.fix.home import Home
from doctor.fix.installer import Failed, Installer
from doctor.fix.inventory import versions_of
from doctor.fix.proof import Proof, Seen, prove
from doctor.fix.snapshot import Journal

Look = Callable[[], Seen]
"""Looks at the environment as it is then."""

Edits = Callable[[], Mapping[str, str]]
"""The new texts of files of the project, by name, from what stands in them then."""


class Came(Frozen):
    """What came of a change."""

    proof: Proof | None
    """What was seen after it; None where it was not made."""
    failure: str | None
    """Why it was not made, or not kept; None where it was."""
    same: bool | None
    """Where everything was put back: whether `freeze` says byte for byte what it said before. None where it was not."""
    seen: Seen | None = None
    """What was found after it; None where it was not made."""


def carry_out(journal: Journal, home: Home, installer: Installer, look: Look, edits: Edits) -> Came:
    """Keep what is there, make the change, prove it, and put everything back when it fails.

    Raises `DoctorError`, with nothing changed, where what is there cannot be kept.
    """
    with _put_back_when_interrupted(home):
        snapshot.take(home, home.inventory(), journal)
        return _go_on(journal, home, installer, look, edits)


def finish(journal: Journal, home: Home, installer: Installer, look: Look, edits: Edits) -> Came:
    """Go on with a change that was cut short: from the beginning, on what was there before."""
    installer.end_abandoned(_pins(journal), journal.index)
    with _put_back_when_interrupted(home):
        if journal.state == "proving":
            return _proved(journal, home, installer, look)
        snapshot.restore(home, journal)
        journal = replace(journal, state="applying")
        snapshot.write_journal(home, journal)
        return _go_on(journal, home, installer, look, edits)


def undo(journal: Journal, home: Home, installer: Installer) -> bool:
    """Put back what was there before the change. Whether `freeze` says byte for byte what it said then."""
    if journal.state != "done":
        installer.end_abandoned(_pins(journal), journal.index)
    snapshot.restore(home, journal)
    same = _text(installer.freeze()) == journal.freeze
    snapshot.give_up(home)
    return same


def _go_on(journal: Journal, home: Home, installer: Installer, look: Look, edits: Edits) -> Came:
    try:
        failed = installer.apply(_pins(journal), journal.index)
        if failed is None:
            for name, text in edits().items():
                write_file(Path(name), text)
            journal = replace(journal, state="proving")
            snapshot.write_journal(home, journal)
    except OSError as error:
        return _put_back(journal, home, installer, f"{error.filename or ''}: {error.strerror}")
    return _put_back(journal, home, installer, _said(failed)) if failed is not None else _proved(journal, home, installer, look)


def _proved(journal: Journal, home: Home, installer: Installer, look: Look) -> Came:
    seen = look()
    proof = prove(journal, seen)
    if not proof.holds:
        why = "; ".join((*(f"{each} is not cured" for each in proof.not_cured), *proof.faults))
        return replace(_put_back(journal, home, installer, why), proof=proof, seen=seen)
    now = versions_of(home.inventory())
    versions = tuple(f"{each.package}=={now[each.package]}" for each in journal.steps)
    digests = tuple(snapshot.digest(Path(each)) for each in journal.edited)
    snapshot.write_journal(home, replace(journal, state="done", versions=versions, digests=digests))
    return Came(proof, None, None, seen)


def _put_back(journal: Journal, home: Home, installer: Installer, why: str) -> Came:
    return Came(None, why, undo(journal, home, installer))


@contextlib.contextmanager
def _put_back_when_interrupted(home: Home) -> Iterator[None]:
    """Ctrl-C, a signal to end, a fault: put everything back first. What cuts that short too leaves it to the next doctor."""
    try:
        yield
    except BaseException:
        journal = snapshot.read_journal(home)
        if journal is not None and journal.state in ("applying", "proving"):
            snapshot.restore(home, journal)
            snapshot.give_up(home)
        raise


def _pins(journal: Journal) -> list[str]:
    return [f"{each.package}=={each.to}" for each in journal.steps]


def _said(failed: Failed) -> str:
    return f"{'the index did not answer as it should: ' if failed.unreachable else ''}{failed.said}"


def _text(freeze: bytes) -> str:
    return freeze.decode("utf-8", "replace")


def frozen(installer: Installer) -> str:
    """What `freeze` says now."""
    return _text(installer.freeze())


def write_file(file: Path, text: str) -> None:
    """Replace a project's file, whole or not at all, with the permissions it has."""
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{file.name[:40]}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        os.chmod(unfinished, file.stat().st_mode & 0o7777)
        os.replace(unfinished, file)
    except BaseException:
        os.unlink(unfinished)
        raise
