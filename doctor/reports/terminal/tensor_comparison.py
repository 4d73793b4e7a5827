"""Models held against each other, for a person at a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.text import Text

from doctor.diagnosis.tensor_comparison import TensorDifferenceKind
from doctor.reports.tensor_comparison import TensorComparison
from doctor.reports.terminal.layout import Paragraph, heading

_KINDS: dict[TensorDifferenceKind, str] = {
    "gone": "Not on every side",
    "shape": "Another shape",
    "state": "Right on one side, wrong on another",
    "values": "Other values",
    "dtype": "Another type",
}
_FEW = 10


def print_tensor_comparison(report: TensorComparison, console: Console) -> None:
    """Print the answer, who is who, and what differs, the worst first."""
    count = len(report.differences)
    left = f"; {report.uncompared} could not be compared: no digest, or each side holds a part of its own" if report.uncompared else ""
    said = f"{count} of {report.tensors} tensors differ" if count else f"None of {report.tensors} tensors differs"
    console.print(Paragraph(f"{said}{left}.", "", "bold"))
    for number, side in enumerate(report.sides, start=1):
        console.print(Text.assemble((f"{number}", "bold"), f"  {side.name}: {side.summary}"), soft_wrap=True)
    for kind, group in groupby(report.differences, key=lambda each: each.kind):
        found = list(group)
        heading(console, f"{_KINDS[kind]} ({len(found)})")
        for each in found[:_FEW]:
            values = "; ".join(f"{number}: {value}" for number, value in enumerate(each.values, start=1))
            console.print(Paragraph(values, Text(f"  {each.name}  ")))
        if len(found) > _FEW:
            console.print(Text(f"  and {len(found) - _FEW} more (--format json has them)"))
