"""Results to stdout or a file, whole or not at all; progress and errors to stderr; nothing left behind when it ends early."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from doctor.errors import DoctorError

if TYPE_CHECKING:
    from rich.console import Console

_MANY_BYTES = 4 * 1024 * 1024
_USUAL_WIDTH = 80
"""Where the width is said to be 0, which means that it is not known."""
_LEAST_WIDTH = 20
"""In less there is no room for a table's second column; a terminal breaks the lines itself."""


@contextlib.contextmanager
def destination(path: str | None, *, overwrite: bool = True) -> Iterator[TextIO]:
    """Where the result goes: stdout, or a file that appears whole under its name or not at all.

    A link is followed, and what is no regular file (a device, a pipe) is written to as it is. Without `overwrite`, a regular file
    that is there already is an error, found before anything else is done.
    """
    if path is None:
        if sys.stdout is None:
            raise DoctorError("standard output is closed: name a file with --output FILE")
        yield sys.stdout
        return
    if os.path.isdir(path):
        raise DoctorError(f"--output {path}: is a folder; name a file in it")
    there = _already_there(path)
    own = _own_stream(there)
    if own is not None:
        yield own
    elif there is not None and not stat.S_ISREG(there.st_mode):
        with _written_through(path) as file:
            yield file
    elif there is not None and not overwrite:
        raise DoctorError(f"--output {path}: is there already; --force replaces it")
    else:
        with _written_whole(path, there, overwrite) as file:
            yield file


def _already_there(path: str) -> os.stat_result | None:
    """What lies under a name, at the end of its links."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _cannot_be_written(path, error) from None


def _own_stream(there: os.stat_result | None) -> TextIO | None:
    """The stream of ours that goes there already, as with `/dev/stdout`: opened once more, it would be written from its beginning."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            if there is not None and os.path.samestat(os.fstat(stream.fileno()), there):
                return stream
    return None


@contextlib.contextmanager
def _written_through(path: str) -> Iterator[TextIO]:
    """A device or pipe, which is opened and never replaced."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except OSError as error:
        raise _cannot_be_written(path, error) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yield file


@contextlib.contextmanager
def _written_whole(path: str, there: os.stat_result | None, overwrite: bool) -> Iterator[TextIO]:
    """A file that is made when all of it is known, with the permissions and the owner of the one that was `there`.

    That it can be made is found out before; until then nothing lies on the disk, which a doctor that is killed could not remove.
    """
    import io

    text = io.StringIO()
    try:
        target = os.path.realpath(path)
        if there is not None and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with _unfinished(target):
            pass
    except (OSError, ValueError) as error:
        raise _cannot_be_written(path, error) from None
    yield text
    if not overwrite and os.path.lexists(target):
        raise DoctorError(f"--output {path}: was written by another program meanwhile; --force replaces it")
    try:
        with _unfinished(target) as (descriptor, name):
            with open(descriptor, "w", encoding="utf-8", errors="replace", closefd=False) as file:
                file.write(text.getvalue())
            _make_alike(name, there)
            os.replace(name, target)
    except OSError as error:
        raise _cannot_be_written(path, error) from None


@contextlib.contextmanager
def _unfinished(target: str) -> Iterator[tuple[int, str]]:
    """A file beside `target`, open, and its name; removed if it still has that name in the end."""
    import tempfile

    folder, name = os.path.split(target)
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{name[:40]}.", dir=folder)
    try:
        yield descriptor, unfinished
    finally:
        os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)


def _make_alike(unfinished: str, there: os.stat_result | None) -> None:
    """Give a new file the owner and permissions of the one it is to replace; without one, those of any new file."""
    if there is not None and hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(unfinished, there.st_uid, there.st_gid)
    os.chmod(unfinished, stat.S_IMODE(there.st_mode) if there is not None else 0o666 & ~_umask())


def _cannot_be_written(path: str, error: OSError | ValueError) -> DoctorError:
    return DoctorError(f"--output {path}: cannot be written: {getattr(error, 'strerror', None) or error}")


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write(output: TextIO, form: str, document: object, show: Callable[[Console], None]) -> None:
    """Write `document` as JSON, or what `show` prints of it; raises `DoctorError` when the output does not take it."""
    if form == "json":
        from doctor.reports.json import as_json

        text = as_json(document)
    else:
        import io

        from rich.console import Console

        # In a notebook, rich would make a display of each line.
        seen, page = Console(file=output, force_jupyter=False), io.StringIO()
        show(
            Console(
                file=page,
                width=max(seen.width or _USUAL_WIDTH, _LEAST_WIDTH),
                force_terminal=seen.is_terminal,
                force_jupyter=False,
                highlight=False,
                emoji=False,
                markup=False,
            )
        )
        text = "\n".join(line.rstrip(" ") for line in page.getvalue().split("\n"))  # rich fills table cells with blanks
    write_text(output, text)


def write_text(output: TextIO, text: str) -> None:
    """Write text that is ready; raises `DoctorError` when the output does not take it."""
    try:
        output.write(text)
        output.flush()
    except OSError as error:
        # The interpreter would flush what is left once more at exit, and complain in its own words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        why = "nobody reads it any more" if isinstance(error, BrokenPipeError) else error.strerror
        raise DoctorError(f"the output cannot be written: {why}") from None


def accept_any_text() -> None:
    """Text that the terminal's encoding lacks is replaced, never a reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


class _Interrupted(KeyboardInterrupt):
    """Ctrl-C. A kind of its own: CPython remembers a plain KeyboardInterrupt that passed through an `exec` of a string (every
    dataclass is made in one) and kills the process with SIGINT at its end, whatever exit code was chosen since."""


def end_children_when_terminated() -> None:
    """A signal that would kill doctor outright leaves by way of every `with`, so that no child is left."""
    import signal
    from types import FrameType

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    def interrupt(_: int, __: FrameType | None) -> None:
        raise _Interrupted

    for name, handler in (("SIGTERM", leave), ("SIGHUP", leave), ("SIGINT", interrupt)):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), handler)


def printable(text: str) -> str:
    """Text that names files, or quotes what another program said, as it may reach a terminal: nothing in it steers one or gives away a secret."""
    from doctor.reports.redact import Screen

    return Screen.of_this_machine().text(text)


def complain(line: str) -> None:
    """One line on stderr, whatever is in it and whatever state stderr is in."""
    if sys.stderr is None:
        return
    try:
        shown = printable(line.replace("\n", " "))
    except Exception:  # with too little memory even that cannot be loaded
        shown = ascii(line)[1:-1]
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"doctor: {shown}\n")


def _is_watched() -> bool:
    """Whether stderr is a terminal that somebody looks at. The one that `!` makes in a notebook stores every frame of what moves."""
    return sys.stderr is not None and sys.stderr.isatty() and "JPY_PARENT_PID" not in os.environ


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Say on a terminal what is being waited for."""
    if not _is_watched():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(printable(what))):
        yield


def counted(total: int, what: str) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """A progress bar for so many steps; what is entered moves it to a count."""
    return _bar(total, what)


def measured(total: int, what: str) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """A progress bar for `total` bytes, when they are many; what is entered moves it to a count."""
    return _bar(total, what) if total > _MANY_BYTES else contextlib.nullcontext(lambda _: None)


@contextlib.contextmanager
def stepped(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for steps whose number is known only once they begin; what is entered is told how many are done, and of how many."""
    if not _is_watched():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextlib.contextmanager
def _bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, and nowhere else."""
    if not _is_watched():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(escape(printable(what)), total=total)
        yield lambda count: progress.update(task, completed=count)
