"""The one way from a diagnosis to the page: through the gate that masks what is private."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TextIO

from doctor import output

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.diagnosis import Diagnosis


def write_report(page: TextIO, options: argparse.Namespace, diagnosis: Diagnosis) -> None:
    """Write the report on a diagnosis in the form asked for."""
    from doctor.reports.document import report_on
    from doctor.reports.redact import Redactor
    from doctor.upgrade.command import upgrade_command

    redactor = Redactor.of_this_machine()
    report = report_on(diagnosis, redactor)

    def show(console: Console) -> None:
        from doctor.reports.terminal import print_report

        command = upgrade_command(diagnosis.plan.changes, redactor.of_paths_only().value(diagnosis.environment))
        print_report(report, console, command, verbose=options.verbose or bool(options.id))

    output.write(page, options.format, report, show)
