"""The one way from a diagnosis to the page: through the gate that masks what is private."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TextIO

from doctor.commands import output

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.diagnosis.diagnosis import Diagnosis
    from doctor.facts.environment import Environment
    from doctor.reports.redact import Redactor


def redactor_for(*environments: Environment, keep_private: bool = False) -> Redactor:
    """The gate for reports on these environments: it knows which of their packages are not published, and the folders those lie in."""
    from doctor.reports.redact import Redactor

    folders: list[str] = []
    packages: list[str] = []
    for each in environments:
        if each.python.executable is not None and each.read_from is None:
            more_folders, more_packages = _unpublished(each.python.executable)
            folders += more_folders
            packages += more_packages
    return Redactor.of_this_machine(folders, packages, keep_private=keep_private)


def _unpublished(executable: str) -> tuple[list[str], list[str]]:
    """The source folders that an interpreter's packages come from, and the names of those packages."""
    import os
    from pathlib import Path

    from doctor.probe.layout import layout_of
    from doctor.probe.packages import unpublished

    path = layout_of(Path(executable), os.environ).path
    found = unpublished(path)
    added = [str(entry) for entry in path if entry.name not in ("site-packages", "dist-packages")]
    return [*(folder for _, folder in found if folder), *added], [name for name, _ in found]


def write_report(page: TextIO, options: argparse.Namespace, diagnosis: Diagnosis) -> None:
    """Write the report on a diagnosis in the form asked for."""
    from doctor.reports.document import report_on
    from doctor.upgrade.command import upgrade_command

    redactor = redactor_for(diagnosis.environment)
    report = report_on(diagnosis, redactor)

    def show(console: Console) -> None:
        from doctor.reports.terminal.check import print_report

        command = upgrade_command(diagnosis.plan.changes, redactor.of_paths_only().value(diagnosis.environment))
        print_report(report, console, command, verbose=options.verbose or bool(options.id))

    output.write(page, options.format, report, show)
