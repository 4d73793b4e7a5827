"""`doctor compare`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.commands.reporting import gate
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.facts.environment import Environment
    from doctor.facts.observation import Observation
    from doctor.knowledge.matrix import Matrix

EXIT_CODES = """\
exit codes:
  0  no difference that doctor can see
  1  they differ
  2  could not do what was asked
"""


def add(commands: Any) -> None:
    """Declare `doctor compare` to the parser."""
    compare = arguments.add_command(
        commands,
        "compare",
        "show what differs between environments",
        (
            "Show what differs between environments, riskiest first, and which findings only\n"
            "some of them have: works for me against broken for you, one rank against\n"
            "another, before against after."
        ),
        EXIT_CODES,
    )
    compare.add_argument(
        "side", nargs="+", metavar="SIDE", help="`here`, an interpreter or environment folder, or a file: a report, a listing, an issue text"
    )
    arguments.add_timeout_option(compare)
    compare.add_argument("--no-live", action="store_true", help="run nothing of the environments examined; torch is then not asked")
    arguments.add_matrix_option(compare)
    arguments.add_output_options(compare)
    arguments.add_redact_option(compare)
    compare.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor.diagnosis.comparison import differences, finding_differences
    from doctor.diagnosis.diagnosis import diagnose
    from doctor.knowledge.releases import known_releases
    from doctor.reports.comparison import Compared, ComparisonReport
    from doctor.reports.document import MatrixSummary
    from doctor.version import __version__

    if len(options.side) < 2:
        raise DoctorError("compare: name two environments or more; `here` is one of them")
    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        environments, observed = zip(*(_environment(side, matrix, options) for side in options.side), strict=True)
        findings = [
            diagnose(environment, matrix, known_releases(), observations=observations).findings
            for environment, observations in zip(environments, observed, strict=True)
        ]
        found, only_some = differences(environments, matrix), finding_differences(findings)
        sides = tuple(
            Compared(name, environment, tuple(each.id for each in held))
            for name, environment, held in zip(options.side, environments, findings, strict=True)
        )
        code = 1 if found or only_some else 0
        summary = MatrixSummary(matrix.version, len(matrix.advisories))
        report = gate(options.redact, *environments).value(ComparisonReport(2, "comparison", __version__, summary, sides, found, only_some, code))

        def show(console: Console) -> None:
            from doctor.reports.terminal.comparison import print_comparison

            print_comparison(report, console)

        output.write(page, options.format, report, show)
    return code


def _environment(side: str, matrix: Matrix, options: argparse.Namespace) -> tuple[Environment, tuple[Observation, ...]]:
    """The environment that one side names, with what reproducers saw there: a folder or a Python is examined, any other file is read."""
    import os
    import shutil

    from doctor import probe
    from doctor.commands.examining import stated_environment
    from doctor.commands.first_word import is_interpreter

    # A file that is there is meant before a program of that name on PATH: a report may be called `python`.
    if side == "here" or os.path.isdir(side) or is_interpreter(side if os.path.exists(side) else shutil.which(side) or side):
        asked = None if side == "here" else side
        timeout = options.timeout or probe.TORCH_TIMEOUT_SECONDS
        return probe.examine(asked, probe.Interest.of(matrix), live=not options.no_live, timeout=timeout, waiting=output.progress), ()
    return stated_environment(side, matrix)
