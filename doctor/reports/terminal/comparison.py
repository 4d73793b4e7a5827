"""A comparison for a person at a terminal: what differs, riskiest first, and the findings that not all have."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from doctor.diagnosis.comparison import Difference, Risk
from doctor.reports.document import ComparisonReport
from doctor.reports.terminal.layout import Paragraph, heading

_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RISKS: dict[Risk, str] = {
    "boundary": "Versions between which a known problem begins or ends",
    "stack": "Versions of torch, transformers, accelerate",
    "build": "How torch is built",
    "accelerator": "What torch can compute on",
    "memory": "Memory and disk",
    "python": "Python",
    "platform": "Platform",
    "variable": "Environment variables",
    "package": "Other packages",
}


def print_comparison(report: ComparisonReport, console: Console) -> None:
    """Print the comparison on `console`."""
    for name, side in zip(_names(report), report.sides, strict=True):
        console.print(Text.assemble((name, "bold"), f"  {side.name}"), soft_wrap=True)
    if not report.differences and not report.findings:
        console.print()
        console.print(Paragraph("No difference that doctor can see.", ""))
    shown: Risk | None = None
    for each in report.differences:
        if each.risk != shown:
            heading(console, _RISKS[each.risk])
            shown = each.risk
        for line in _difference(each, report):
            console.print(line)
    if report.findings:
        heading(console, f"Findings that not all of them have ({len(report.findings)})")
        for finding in report.findings:
            who = ", ".join(name for name, has in zip(_names(report), finding.has, strict=True) if has)
            console.print(Paragraph(finding.title, Text.assemble("  ", (finding.id, "bold"), f" {finding.severity:<7} only {who}: ")))


def _names(report: ComparisonReport) -> list[str]:
    """A, B, ...; after 26 their numbers."""
    return [_NAMES[index] if index < len(_NAMES) else str(index + 1) for index in range(len(report.sides))]


def _difference(each: Difference, report: ComparisonReport) -> Iterator[Paragraph]:
    alike: dict[str, list[str]] = {}
    for name, value in zip(_names(report), each.values, strict=True):
        alike.setdefault(value, []).append(name)
    values = "; ".join(f"{', '.join(names)}: {value}" for value, names in alike.items())
    yield Paragraph(values, Text(f"  {each.fact}  "))
    if each.advisories:
        ids = ", ".join(each.advisories[:8]) + (f" and {len(each.advisories) - 8} more" if len(each.advisories) > 8 else "")
        yield Paragraph(f"begins or ends between them: {ids}", "      ", style="dim")
