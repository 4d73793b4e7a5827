"""The releases that a traceback's lines leave, for a person at a terminal. Decides nothing."""

from __future__ import annotations

from rich.console import Console

from doctor.reports.dating import DatingReport


def print_datings(report: DatingReport, console: Console) -> None:
    """A line for each distribution."""
    lines = [each.summary for each in report.datings] or ["No frame in this text is of a distribution whose releases are told apart by their lines."]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
