"""The command line: arguments in, exit code out, nothing else. What a command needs is imported when it runs: start-up is a budget."""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
from collections.abc import Sequence

from doctor.commands import output
from doctor.commands.first_word import with_command
from doctor.commands.parser import COMMANDS, parser_of
from doctor.errors import DoctorError

_DEBUG = "DOCTOR_DEBUG"
"""Variable that lets a fault of doctor's own end in its traceback."""
_DEBUGGED = bool(os.environ.get(_DEBUG))
_NO_MEMORY = "there is not enough memory (`ulimit -v` shows a limit)"
_SAID_WITHOUT_MEMORY = f"doctor: the system refused what doctor needs: {_NO_MEMORY}\n".encode()
_STACK_BYTES = 1024 * 1024
"""Threads of ours wait and copy. The usual eight MiB each are many where a limit counts addresses (`ulimit -v`)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; `arguments` without the program's name (None: the process's). Returns the exit code."""
    try:
        return _run(arguments)
    except (MemoryError, SystemError):  # not even what says so could be called, for want of room for another frame
        if _DEBUGGED:
            raise
        os.write(2, _SAID_WITHOUT_MEMORY)
        return 2


def _run(arguments: Sequence[str] | None) -> int:
    threading.stack_size(_STACK_BYTES)
    gc.set_threshold(200_000)  # what is made at the start stays, and looking through it again and again takes a twentieth of the time
    given = sys.argv[1:] if arguments is None else arguments
    try:
        output.accept_any_text()
        whole = with_command(given, COMMANDS)
        options = parser_of(whole[0]).parse_args(whole)
        output.end_children_when_terminated()
        code: int = options.run(options)
        return code
    except DoctorError as error:
        for line in error.lines:
            output.complain(line)
        return 2
    except KeyboardInterrupt:
        output.complain("interrupted")
        return 130
    except Exception as error:
        # Exit code 1 would say that something was found.
        if _DEBUGGED:
            raise
        refused = _refused(error)
        if refused:
            output.complain(f"the system refused what doctor needs: {refused}")
            return 2
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        output.complain(f"a fault of doctor's own, please report it with what {_DEBUG}=1 in the environment shows: {what}")
        return 2


def _memory_is_limited() -> bool:
    if sys.platform == "win32":
        return False
    import resource

    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def _refused(error: Exception) -> str:
    """What ran out, where an error is none of doctor's; empty for one that is."""
    # Where memory ends within the interpreter's own code, it may lose the MemoryError and know of an internal error only.
    if isinstance(error, MemoryError) or (isinstance(error, SystemError) and _memory_is_limited()):
        return _NO_MEMORY
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN):
        return f"{error.strerror} (`ulimit -a` shows limits)"
    return ""
