"""Many ranks or nodes for a person at a terminal: the answer, what differs, what is wrong over them, then what concerns all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Console
from rich.text import Text

from doctor.diagnosis.comparison import Difference
from doctor.fleet.gathering import Members
from doctor.reports.fleet import FleetReport, in_words
from doctor.reports.terminal.comparison import RISK_HEADINGS
from doctor.reports.terminal.layout import Paragraph, heading

_MOST_FACTS = 10
"""Of the differences of the less risky kinds, so many lines."""
_MOST_VALUES = 4
_MOST_FINDINGS = 6
_FEW = 8


def print_fleet(report: FleetReport, console: Console) -> None:
    """Print the answer first, riskiest difference next, and last what concerns every one."""
    console.print(Paragraph(report.answer, "", "bold"))
    _print_differences(report, console)
    if report.findings:
        heading(console, f"Wrong over the {'nodes' if report.kind == 'ray' else 'ranks'} ({len(report.findings)})")
        for _, alike in groupby(report.findings[:_MOST_FINDINGS], key=lambda each: each.rule):
            for each in alike:
                lead = Text.assemble("  ", (f"{each.severity:<7}", "bold"), " ")
                where = "all of them" if each.everywhere else in_words(each.members)
                console.print(Paragraph(f"{each.title}: {each.detail} ({where})", lead))
            console.print(Paragraph(each.remedy, " " * lead.cell_len, style="dim"))
        _more(console, len(report.findings) - _MOST_FINDINGS)
    if report.known:
        heading(console, f"Known problems that not all of them have ({len(report.known)})")
        for known in report.known[:_FEW]:
            lead = Text.assemble("  ", (known.id, "bold"), f" {known.severity:<7} ")
            console.print(Paragraph(f"{_holders(report, known.has)}: {known.title}", lead, one_line=True))
        _more(console, len(report.known) - _FEW)
    if report.concerning_all:
        heading(console, f"Concerns all of them ({len(report.concerning_all)})")
        for finding in report.concerning_all[:_FEW]:
            lead = Text.assemble("  ", (finding.id, "bold"), f" {finding.severity:<7} ")
            console.print(Paragraph(finding.title, lead))
        _more(console, len(report.concerning_all) - _FEW)


def _print_differences(report: FleetReport, console: Console) -> None:
    left = _MOST_FACTS
    for risk, group in groupby(report.differences, key=lambda each: each.risk):
        found = list(group)
        if left <= 0:
            break
        heading(console, RISK_HEADINGS[risk])
        for each in found[:left]:
            for line in _difference(each, report):
                console.print(line)
        left -= len(found)
    _more(console, -left)


def _more(console: Console, count: int) -> None:
    if count > 0:
        console.print(Text(f"  and {count} more (--format json has them)"))


def _difference(each: Difference, report: FleetReport) -> Iterator[Paragraph]:
    by_value: dict[str, list[Members]] = {}
    for value, group in zip(each.values, report.groups, strict=True):
        by_value.setdefault(value, []).append(group.members)
    most = max(by_value, key=lambda value: sum(members.count for members in by_value[value]))
    parts = [f"{value} ({sum(members.count for members in by_value[value])})" for value in by_value if value == most]
    parts += [f"{_where(where)}: {value}" for value, where in by_value.items() if value != most]
    shown = parts[:_MOST_VALUES] + ([f"{len(parts) - _MOST_VALUES} other values"] if len(parts) > _MOST_VALUES else [])
    yield Paragraph("; ".join(shown), Text(f"  {each.fact}  "))
    if each.advisories:
        ids = ", ".join(each.advisories[:_FEW]) + (f" and {len(each.advisories) - _FEW} more" if len(each.advisories) > _FEW else "")
        yield Paragraph(f"begins or ends between them: {ids}", "      ", style="dim")


def _holders(report: FleetReport, has: tuple[bool, ...]) -> str:
    """Which of the groups that were looked at have a known problem."""
    if has[0]:
        return "most"
    return _where([group.members for group, holds in zip(report.groups, has, strict=False) if holds])


def _where(several: list[Members]) -> str:
    return in_words(Members(sum(each.count for each in several), tuple(name for each in several for name in each.names)))
