"""A comparison for a person at a terminal: what differs, riskiest first, and the findings that not all have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from doctor.diagnosis.comparison import Difference, Risk
from doctor.reports.comparison import ComparisonReport
from doctor.reports.terminal.layout import Paragraph, heading

_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FEW = 3
"""Up to so many sides are named one by one."""
RISK_HEADINGS: dict[Risk, str] = {
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


@dataclass(frozen=True)
class _Group:
    """Sides that do not differ from each other."""

    letter: str
    sides: tuple[int, ...]
    """Their places in the report."""
    title: str


def print_comparison(report: ComparisonReport, console: Console) -> None:
    """Print the comparison on `console`: the answer, who is who, and what differs, riskiest first."""
    groups = _groups(report)
    console.print(Paragraph(_answer(report, groups), "", "bold"))
    for group in groups if len(groups) > 1 else ():
        console.print(Text.assemble((group.letter, "bold"), f"  {group.title}"), soft_wrap=True)
    shown: Risk | None = None
    for each in report.differences:
        if each.risk != shown:
            heading(console, RISK_HEADINGS[each.risk])
            shown = each.risk
        for line in _difference(each, groups):
            console.print(line)
    if report.findings:
        heading(console, f"Findings that not all of them have ({len(report.findings)})")
        for finding in report.findings:
            who = ", ".join(group.letter for group in groups if finding.has[group.sides[0]])
            lead = Text.assemble("  ", (finding.id, "bold"), f" {finding.severity:<7} ")
            console.print(Paragraph(finding.title, lead))
            console.print(Paragraph(f"only {who}", " " * lead.cell_len, style="dim"))


def _groups(report: ComparisonReport) -> list[_Group]:
    """The sides by what they have, the largest group first; sides that differ in nothing are one."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for index in range(len(report.sides)):
        has = (*(each.values[index] for each in report.differences), *(each.has[index] for each in report.findings))
        alike.setdefault(has, []).append(index)
    largest_first = sorted(alike.values(), key=lambda sides: (-len(sides), sides[0])) if len(report.sides) > 2 else list(alike.values())
    return [_Group(_letter(number), tuple(sides), _title(report, sides)) for number, sides in enumerate(largest_first)]


def _letter(number: int) -> str:
    """A, B, ...; after 26 their numbers."""
    return _NAMES[number] if number < len(_NAMES) else str(number + 1)


def _title(report: ComparisonReport, sides: Sequence[int]) -> str:
    names = [report.sides[index].name for index in sides]
    if len(names) == 1:
        return names[0]
    return f"{len(names)} alike: {', '.join(names) if len(names) <= _FEW else f'{names[0]} ... {names[-1]}'}"


def _answer(report: ComparisonReport, groups: Sequence[_Group]) -> str:
    if len(groups) == 1:
        return "No difference that doctor can see."
    count = len(report.differences) + len(report.findings)
    if len(report.sides) == 2:
        return f"They differ in {count} thing{'' if count == 1 else 's'}."
    largest, *others = groups
    if len(largest.sides) == 1:
        return f"No two of the {len(report.sides)} are alike."
    outside = [report.sides[index].name for group in others for index in group.sides]
    who = _some(outside)
    what = f" in {_some([_in_short(each.fact) for each in report.differences])}" if len(others) == 1 and report.differences else ""
    return f"{len(largest.sides)} of {len(report.sides)} are alike; {who} {'differs' if len(outside) == 1 else 'differ'}{what}."


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def _in_short(fact: str) -> str:
    """`torch` of `packages.torch.version`."""
    return fact.removeprefix("packages.").removesuffix(".version")


def _difference(each: Difference, groups: Sequence[_Group]) -> Iterator[Paragraph]:
    alike: dict[str, list[str]] = {}
    for group in groups:
        alike.setdefault(each.values[group.sides[0]], []).append(group.letter)
    values = "; ".join(f"{', '.join(letters)}: {value}" for value, letters in alike.items())
    yield Paragraph(values, Text(f"  {each.fact}  "))
    if each.advisories:
        ids = ", ".join(each.advisories[:8]) + (f" and {len(each.advisories) - 8} more" if len(each.advisories) > 8 else "")
        yield Paragraph(f"begins or ends between them: {ids}", "      ", style="dim")
