"""The one way from a diagnosis to the page: through the gate that masks what is private."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from doctor.commands import output

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.diagnosis.diagnosis import Diagnosis
    from doctor.diagnosis.finding import Finding
    from doctor.facts.environment import Environment
    from doctor.reports.redact import Redactor


def gate(redact: bool, *environments: Environment, trusted: Iterable[str] = ()) -> Redactor:
    """The gate for what is shown here, on these environments; with `redact` (`--redact`), for what others are going to see.

    `trusted` are doctor's own words, which are shown here as they are.
    """
    from doctor.reports.redact import Screen

    if redact:
        return redactor_for(*environments)
    screen = Screen.of_this_machine()
    screen.trust(trusted)
    return screen


def redactor_for(*environments: Environment, keep_private: bool = False) -> Redactor:
    """The gate for what leaves the machine: it knows which packages of these environments are not published, and their folders."""
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
    from doctor.probe.records import unpublished

    path = layout_of(Path(executable), os.environ).path
    found = unpublished(path)
    added = [str(entry) for entry in path if entry.name not in ("site-packages", "dist-packages")]
    return [*(folder for _, folder in found if folder), *added], [name for name, _ in found]


def _of_the_matrix(findings: Iterable[Finding]) -> Iterator[str]:
    """What findings say word by word as their advisories do."""
    for each in findings:
        if each.kind != "installation":
            yield from (each.id, each.slug, each.title, each.trigger, *each.references)


def write_report(page: TextIO, options: argparse.Namespace, diagnosis: Diagnosis, *, everything: bool = False, brief: bool = False) -> None:
    """Write the report on a diagnosis in the form asked for: `everything` also what concerns nobody, `brief` the short document."""
    from doctor.reports.document import report_on

    ours = _of_the_matrix(diagnosis.findings) if options.matrix is None else ()
    report = report_on(diagnosis, gate(options.redact, diagnosis.environment, trusted=ours))
    if options.format in ("sarif", "github"):
        from doctor.reports.annotations import as_annotations
        from doctor.reports.sarif import as_sarif

        output.write_text(page, as_sarif(report) if options.format == "sarif" else as_annotations(report))
        return

    def show(console: Console) -> None:
        from doctor.reports.terminal.check import print_report

        print_report(report, console, everything=everything, verbose=options.verbose)

    if brief:
        from doctor.reports.brief import brief_of

        output.write(page, options.format, brief_of(report, diagnosis), show)
    else:
        output.write(page, options.format, report, show)
