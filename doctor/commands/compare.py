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
    from doctor.reports.inspection import InspectionReport

_MOST_BYTES = 512 * 1024 * 1024
"""Of an inspection: a tensor takes a few hundred bytes."""
EXIT_CODES = """\
exit codes:
  0  no difference that doctor can see
  1  they differ
  2  could not do what was asked, or could not compare all of two models
"""

_EXAMPLES = (
    "doctor compare here ../other/.venv",
    "doctor compare before.json after.json  # two of `doctor check --format json`",
)


def add(commands: Any) -> None:
    """Declare `doctor compare` to the parser."""
    compare = arguments.add_command(
        commands,
        "compare",
        "show what differs between environments",
        (
            "Show what differs between environments, riskiest first, and which findings only\n"
            "some of them have: works for me against broken for you, one rank against\n"
            "another, before against after. Inspections of models (`doctor verify --digests\n"
            "--format json`) are compared tensor by tensor."
        ),
        EXIT_CODES,
        examples=_EXAMPLES,
    )
    compare.add_argument(
        "side",
        nargs="+",
        metavar="SIDE",
        help="`here`, an interpreter or environment folder, or a file: a report, a listing, an issue text, or inspections of models",
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
    from doctor.reports.document import summary_of_matrix
    from doctor.version import __version__

    if len(options.side) < 2:
        raise DoctorError("compare: name two environments or more; `here` is one of them")
    models = [_is_inspection(side) for side in options.side]
    if any(models):
        if not all(models):
            raise DoctorError(f"compare: {options.side[models.index(False)]} is no inspection of a model, and the others are: compare like with like")
        return _run_on_models(options)
    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        environments, observed = zip(*(_environment(side, matrix, options) for side in options.side), strict=True)
        findings = [
            diagnose(environment, matrix, known_releases(matrix), observations=observations).findings
            for environment, observations in zip(environments, observed, strict=True)
        ]
        found, only_some = differences(environments, matrix), finding_differences(findings)
        sides = tuple(
            Compared(name, environment, tuple(each.id for each in held))
            for name, environment, held in zip(options.side, environments, findings, strict=True)
        )
        code = 1 if found or only_some else 0
        summary = summary_of_matrix(matrix)
        report = gate(options.redact, *environments).value(ComparisonReport(2, "comparison", __version__, summary, sides, found, only_some, code))

        def show(console: Console) -> None:
            from doctor.reports.terminal.comparison import print_comparison

            print_comparison(report, console)

        output.write(page, options.format, report, show)
    return code


def _is_inspection(side: str) -> bool:
    """Whether a side is the document of `doctor verify` or `doctor.inspect_model`."""
    from pathlib import Path

    from doctor.files import read_beginning

    try:
        beginning = read_beginning(Path(side), 4096)
    except OSError:
        return False
    return beginning.lstrip().startswith(b"{") and b'"document": "inspection"' in beginning


def _run_on_models(options: argparse.Namespace) -> int:
    from doctor.reports.tensor_comparison import tensor_comparison

    with output.destination(options.output) as page:
        report = tensor_comparison(options.side, [_inspection(side) for side in options.side])
        trusted = [each.name for each in report.differences]
        report = gate(options.redact, trusted=trusted).value(report)

        def show(console: Console) -> None:
            from doctor.reports.terminal.tensor_comparison import print_tensor_comparison

            print_tensor_comparison(report, console)

        output.write(page, options.format, report, show)
    return report.exit_code


def _inspection(side: str) -> InspectionReport:
    """Raises `DoctorError` where the file is cut short, or has not the shape it should."""
    import json
    from pathlib import Path

    from doctor.files import read_file
    from doctor.knowledge import schema
    from doctor.reports.inspection import InspectionReport

    try:
        data = json.loads(read_file(Path(side), _MOST_BYTES))
    except OSError as error:
        raise DoctorError(f"{side}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise DoctorError(f"{side}: not JSON, or cut short") from None
    wrong = next(schema.mismatches(InspectionReport, data), None)
    if wrong is not None:
        raise DoctorError(f"{side}: {schema.dotted(wrong.path) or 'the document'}: {wrong.message}")
    found: InspectionReport = schema.construct(InspectionReport, data)
    return found


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
