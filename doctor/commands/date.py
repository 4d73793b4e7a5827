"""`doctor date`."""

from __future__ import annotations

import argparse
from typing import Any

from doctor.commands import arguments, output
from doctor.errors import DoctorError

EXIT_CODES = """\
exit codes:
  0  releases were found that the frames can come from
  1  frames of a development or modified build were found
  2  could not do what was asked
  3  no frame says anything about releases
"""

_EXAMPLES = (
    "doctor date traceback.txt",
    "doctor date traceback.txt --format json",
)


def add(commands: Any) -> None:
    """Declare `doctor date` to the parser."""
    date = arguments.add_command(
        commands,
        "date",
        "tell from a traceback's line numbers which releases ran",
        "Say which releases of torch, transformers, accelerate and their neighbours have\n"
        "the functions of a traceback at its lines, and its text on them.",
        EXIT_CODES,
        examples=_EXAMPLES,
    )
    date.add_argument("file", nargs="*", metavar="FILE", help="files to read as one text; `-` or none: standard input")
    arguments.add_output_options(date)
    date.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor.commands.explain import texts
    from doctor.commands.reporting import gate
    from doctor.dating import date_frames
    from doctor.dating.fingerprints import can_read_indexes
    from doctor.readers.lines import cleaned, decoded
    from doctor.readers.tracebacks import read_failures
    from doctor.reports.dating import dating_report
    from doctor.reports.terminal.dating import print_datings

    if not can_read_indexes():
        raise DoctorError("this Python was built without lzma, which reading the index of line numbers takes: run doctor with another one")
    with output.destination(options.output) as page:
        lines = (line for text in texts(options.file or ["-"]) for line in decoded(text))
        failures = read_failures(cleaned(lines))
        report = gate(False).value(dating_report(date_frames(frame for failure in failures for frame in failure.frames)))
        output.write(page, options.format, report, lambda console: print_datings(report, console))
    return report.exit_code
