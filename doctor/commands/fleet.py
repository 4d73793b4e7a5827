"""`doctor fleet`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.commands.reporting import gate
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.fleet.gathering import Fleet
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.fleet import FleetReport, Kind

_EXIT_CODES = """\
exit codes:
  0  all are alike, and nothing is wrong over them
  1  they differ, something is wrong over the ranks, or a known problem concerns
     all of them
  2  could not do what was asked; or none of this, but of some nothing is known
"""
_EXAMPLES = (
    "doctor fleet --reports reports/             # a folder of what each rank wrote",
    "doctor fleet --reports 'run-7/*/rank.json'  # or a pattern",
)
_MOST_DIAGNOSED = 50
"""So many of the groups are looked at for known problems, the largest."""


def add(commands: Any) -> None:
    """Declare `doctor fleet` to the parser."""
    fleet = arguments.add_command(
        commands,
        "fleet",
        "hold the ranks or nodes of a job against each other",
        (
            "Hold many ranks or nodes against each other: which are not like the others and in\n"
            "what, riskiest first; what is wrong over the ranks of a job (switches, launchers,\n"
            "memory, checkpoint); then what concerns all of them. docs/fleet.md has recipes."
        ),
        _EXIT_CODES,
        examples=_EXAMPLES,
    )
    fleet.add_argument(
        "--reports", metavar="DIR", help="what each rank wrote (`doctor report --format json`): a folder of reports, or a pattern in quotes"
    )
    arguments.add_matrix_option(fleet)
    arguments.add_output_options(fleet)
    arguments.add_redact_option(fleet)
    fleet.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.reports is None:
        raise DoctorError("fleet: name the reports that the ranks wrote: --reports DIR")
    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        report = _report(_of_reports(options.reports, matrix), "reports", matrix)
        report = gate(options.redact).value(report)

        def show(console: Console) -> None:
            from doctor.reports.terminal.fleet import print_fleet

            print_fleet(report, console)

        output.write(page, options.format, report, show)
    return report.exit_code


def _of_reports(place: str, matrix: Matrix) -> Fleet:
    """What the reports say that a folder or a pattern names. Raises `DoctorError` where there are none."""
    from doctor.fleet.gathering import Gathering
    from doctor.fleet.reading import ReportReader, report_files

    reader, gathering = ReportReader(), Gathering()
    with output.stepped("reading reports") as went:
        number = 0
        for number, file in enumerate(report_files(place), 1):
            gathering.add(reader.read(file))
            went(number, number)
    if not number:
        raise DoctorError(f"--reports {place}: no reports there; docs/fleet.md says how each rank writes its own")
    return gathering.fleet(matrix)


def _report(fleet: Fleet, kind: Kind, matrix: Matrix) -> FleetReport:
    from doctor.diagnosis.comparison import finding_differences
    from doctor.diagnosis.diagnosis import diagnose
    from doctor.knowledge.releases import known_releases
    from doctor.reports.fleet import fleet_report

    held = [diagnose(each.environment, matrix, known_releases()).findings for each in fleet.groups[:_MOST_DIAGNOSED]]
    return fleet_report(fleet, kind, matrix, held, finding_differences(held))
