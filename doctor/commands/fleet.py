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
    "doctor fleet --ray auto                     # every node of a Ray cluster",
)
_NODE_SECONDS = 60.0
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
    fleet.add_argument(
        "--ray", metavar="ADDRESS", help="ask every node of this Ray cluster: [ray://]HOST:PORT, or `auto`, the one this machine is of"
    )
    fleet.add_argument(
        "--python", metavar="PATH", help="with --ray: the interpreter of the jobs on each node; $NAME is a variable there (default: Ray's own)"
    )
    fleet.add_argument("--model", metavar="MODEL", help="with --ray: look whether this model lies on every node, and is the same")
    arguments.add_runtime_env_option(fleet)
    fleet.add_argument("--timeout", type=arguments.seconds, metavar="SECONDS", help="with --ray: how long each node may take (default: 60)")
    arguments.add_matrix_option(fleet)
    arguments.add_output_options(fleet)
    arguments.add_redact_option(fleet)
    fleet.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if (options.reports is None) == (options.ray is None):
        raise DoctorError("fleet: name either the reports that the ranks wrote (--reports DIR), or a Ray cluster (--ray auto)")
    of_ray = [name for name in ("python", "model", "runtime_env", "timeout") if getattr(options, name) is not None]
    if options.ray is None and of_ray:
        raise DoctorError(f"--{of_ray[0].replace('_', '-')}: only with --ray; each rank wrote its report by an interpreter of its own")
    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        fleet = _of_reports(options.reports, matrix) if options.ray is None else _of_cluster(options, matrix)
        report = _report(fleet, "reports" if options.ray is None else "ray", matrix)
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


def _of_cluster(options: argparse.Namespace, matrix: Matrix) -> Fleet:
    """What the nodes of a Ray cluster say. Raises `DoctorError` where there is no Ray, or no such cluster."""
    from doctor.fleet.cluster import Asked, ask_nodes, connected
    from doctor.fleet.gathering import Gathering
    from doctor.fleet.rank import NoReport
    from doctor.fleet.reading import ReportReader

    asked = Asked(options.python, options.model, options.timeout or _NODE_SECONDS, by_id=options.redact)
    reader, gathering = ReportReader(), Gathering()
    with connected(options.ray, arguments.runtime_env_of(options)) as ray, output.stepped("asking the nodes") as went:
        for each in ask_nodes(ray, asked, went):
            gathering.add(each if isinstance(each, NoReport) else reader.understood(*each))
    return gathering.fleet(matrix)


def _report(fleet: Fleet, kind: Kind, matrix: Matrix) -> FleetReport:
    from doctor.diagnosis.comparison import finding_differences
    from doctor.diagnosis.diagnosis import diagnose
    from doctor.knowledge.releases import known_releases
    from doctor.reports.fleet import fleet_report

    held = [diagnose(each.environment, matrix, known_releases(matrix)).findings for each in fleet.groups[:_MOST_DIAGNOSED]]
    return fleet_report(fleet, kind, matrix, held, finding_differences(held))
