"""The command line: arguments in, exit code out, nothing else. What a command needs is imported when it runs: start-up is a budget."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from doctor.commands import output
from doctor.commands.arguments import EXIT_CODES, Parser
from doctor.commands.completion import SHELLS, PrintCompletion
from doctor.commands.first_word import with_command
from doctor.errors import DoctorError
from doctor.version import __version__

_COMMANDS = ("check", "explain", "triage", "run", "date", "confirm", "fix", "report", "compare", "fleet", "fit", "verify", "matrix", "mcp")
_DEBUG = "DOCTOR_DEBUG"
"""Variable that lets a fault of doctor's own end in its traceback."""
_STACK_BYTES = 1024 * 1024
"""Threads of ours wait and copy. The usual eight MiB each are many where a limit counts addresses (`ulimit -v`)."""
_DESCRIPTION = """\
Examine a PyTorch / transformers / accelerate environment for known meta-tensor
problems. Without a command: `check`. In place of a command, a log is explained,
an environment's folder examined, and an advisory (MT080) shown.
"""
_EPILOG = f"""\
examples:
  doctor                    # the environment that is active
  doctor explain issue.txt  # a traceback, a log, an issue's text
  doctor check train.py     # a program, before it fails
  doctor COMMAND --help     # has examples of each

{EXIT_CODES}"""


class _Version(argparse.Action):
    """Prints the release of doctor and its matrix's, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        """Print them."""
        from doctor.knowledge.matrix_file import builtin_matrix

        with output.destination(None) as page:
            output.write_text(page, f"meta-tensor-doctor {__version__}, matrix {builtin_matrix().version}\n")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; `arguments` without the program's name (None: the process's). Returns the exit code."""
    threading.stack_size(_STACK_BYTES)
    gc.set_threshold(200_000)  # what is made at the start stays, and looking through it again and again takes a twentieth of the time
    given = sys.argv[1:] if arguments is None else arguments
    try:
        output.accept_any_text()
        whole = with_command(given, _COMMANDS)
        options = _parser(whole[0]).parse_args(whole)
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
        if os.environ.get(_DEBUG):
            raise
        refused = _refused(error)
        if refused:
            output.complain(f"the system refused what doctor needs: {refused}")
            return 2
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        output.complain(f"a fault of doctor's own, please report it with what {_DEBUG}=1 in the environment shows: {what}")
        return 2


def _refused(error: Exception) -> str:
    """What ran out, where an error is none of doctor's; empty for one that is."""
    if isinstance(error, MemoryError):
        return "there is not enough memory (`ulimit -v` shows a limit)"
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN):
        return f"{error.strerror} (`ulimit -a` shows limits)"
    return ""


def _parser(first: str) -> argparse.ArgumentParser:
    """The parser of the command that stands first; of all commands when it is none, as in `doctor --help`."""
    parser = Parser(
        prog="doctor",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action=_Version, nargs=0, help="show the release, and the date of its matrix")
    parser.add_argument(
        "--print-completion", action=PrintCompletion, choices=SHELLS, metavar="SHELL", help=f"print the completion for {', '.join(SHELLS)}"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in (first,) if first in _COMMANDS else _COMMANDS:
        import_module(f"doctor.commands.{name}").add(commands)
    return parser
