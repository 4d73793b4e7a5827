"""`doctor explain`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from doctor.commands import arguments, output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.explain.explanation import Explanation
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.explanation import ExplanationReport

EXIT_CODES = """\
exit codes:
  0  the text shows no failure
  1  a cause was found, for sure or in doubt
  2  could not do what was asked
  3  a failure was found, but no cause that is known
"""


def add(commands: Any) -> None:
    """Declare `doctor explain` to the parser."""
    explain = arguments.add_command(
        commands,
        "explain",
        "find the cause of a failure in a traceback, log or issue text",
        "Read tracebacks, logs, issue texts and environment listings, and say what caused\n"
        "the failure, how sure that is and why, what to do, and what not to do.",
        EXIT_CODES,
    )
    explain.add_argument("file", nargs="*", metavar="FILE", help="files to read as one text; `-` or none: standard input")
    explain.add_argument("--here", action="store_true", help="the text came from this environment: let its facts fill what the text does not say")
    explain.add_argument("--python", metavar="PATH", help="with --here: the interpreter or environment folder it came from")
    explain.add_argument("-v", "--verbose", action="store_true", help="show every failure, frame and cause")
    arguments.add_matrix_option(explain)
    arguments.add_output_options(explain)
    arguments.add_redact_option(explain)
    explain.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor import probe
    from doctor.explain.text import explain_lines

    if options.python and not options.here:
        raise DoctorError("--python: only with --here, which says that the text came from there")
    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        here = None
        if options.here:
            here = probe.examine(options.python, probe.Interest.of(matrix), waiting=output.progress)
        files = options.file or ["-"]
        explanation = explain_lines(text_lines(files), matrix, name=files[0] if len(files) == 1 else None, here=here)
        report, show = shown(explanation, matrix, options.verbose, redact=options.redact)
        output.write(page, options.format, report, show)
    return report.exit_code


def shown(explanation: Explanation, matrix: Matrix, verbose: bool, *, redact: bool = False) -> tuple[ExplanationReport, Callable[[Console], None]]:
    """The report on an explanation, masked for others with `redact`, and what prints it."""
    from doctor.commands.reporting import gate
    from doctor.reports.explanation import explanation_report

    report = explanation_report(explanation, matrix, gate(redact, explanation.environment))

    def show(console: Console) -> None:
        from doctor.reports.terminal.explanation import print_explanation

        print_explanation(report, console, verbose)

    return report, show


def text_lines(files: Sequence[str]) -> Iterator[str]:
    """The lines of all the files, with a progress bar on a terminal when they are large."""
    import os
    import sys

    from doctor.readers.lines import decoded_lines

    for name in files:
        if name == "-":
            if sys.stdin is None:
                raise DoctorError("standard input is closed: name a FILE")
            yield from decoded_lines(sys.stdin.buffer)
            continue
        try:
            with open(name, "rb") as stream, output.measured(os.fstat(stream.fileno()).st_size, f"reading {name}") as seen:
                yield from decoded_lines(_Counted(stream, seen))
        except OSError as error:
            raise DoctorError(f"{name}: cannot be read: {error.strerror}") from None


class _Counted:
    """A stream that tells how far it was read."""

    def __init__(self, stream: BinaryIO, seen: Callable[[int], None]) -> None:
        self._stream, self._seen, self._bytes = stream, seen, 0

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        self._bytes += len(chunk)
        self._seen(self._bytes)
        return chunk
