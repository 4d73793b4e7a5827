"""A model held against its checkpoint, for a person at a terminal: a line when all is right, else what is wrong, worst first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from doctor.facts.inspection import Fault, FaultKind, Tensor
from doctor.facts.sizes import size
from doctor.reports.inspection import InspectionReport
from doctor.reports.terminal.layout import Paragraph, heading

KINDS: dict[FaultKind, str] = {
    "uninitialised": "never loaded: uninitialised",
    "parameter-not-as-built": "parameter not as its class sets it",
    "buffer-not-as-built": "buffer not as its class sets it",
    "saved-buffer-not-as-built": "buffer not as its class sets it",
    "on-meta": "no data: on meta",
    "fresh": "never loaded: freshly initialised",
    "another-tensor": "another tensor's values",
    "transposed": "transposed",
    "cast": "cast to another kind of number",
    "no-data-in-file": "no data in the file itself",
    "other-shape": "another shape than in the file",
    "other-values": "not the values of the file",
    "hook": "computes with something else",
    "tie-lost": "not tied",
    "tie-unasked": "tied, and should not be",
    "process": "this process is not sound any more",
    "not-saved": "would not be saved",
    "rounded": "rounded on the way",
}
_FEW = 3
"""So many names are shown of those with one fault."""


def print_inspection(report: InspectionReport, console: Console, *, verbose: bool = False) -> None:
    """Print the report on `console`; `verbose`: every name, and where every tensor is."""
    inspection = report.inspection
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    against = f" against {report.model}" if report.model else ""
    console.print(Text.assemble("Held ", (inspection.class_, "bold"), f"{against}{f' ({versions})' if versions else ''}"), soft_wrap=True)
    console.print(_answer(report))
    by_name = {each.name: each for each in inspection.tensors}
    for fault in inspection.faults:
        console.print()
        console.print(Paragraph(fault.detail, Text.assemble(("[wrong] ", "bold red"), (f"{KINDS[fault.kind]}: ", "bold"))))
        for line in _names(fault.names, verbose):
            console.print(Text(f"    {line}"), soft_wrap=True)
        example = _example(fault, by_name)
        if example:
            console.print(Paragraph(example, "    ", "dim"))
        if fault.advisories:
            console.print(Paragraph(", ".join(fault.advisories), "    known: "))
    for told in inspection.not_told:
        console.print()
        console.print(Paragraph(told.reason, Text.assemble(("[?] ", "bold yellow"), ("could not be told: ", "bold"))))
        for line in _names(told.names, verbose):
            console.print(Text(f"    {line}"), soft_wrap=True)
    _print_known(report, console)
    for each in _asides(report):
        console.print()
        console.print(Paragraph(each, "", "dim"))
    if verbose:
        heading(console, "Every tensor")
        for tensor in inspection.tensors:
            console.print(
                Text(f"  {tensor.state:<21} {tensor.name}  {tensor.dtype} {list(tensor.shape)} {tensor.where or tensor.device}"), soft_wrap=True
            )


def _answer(report: InspectionReport) -> Paragraph:
    if report.exit_code == 0:
        return Paragraph(f"{report.summary[:1].upper()}{report.summary[1:]}.", Text("[ok] ", style="bold green"))
    wrong = {name for fault in report.inspection.faults for name in fault.names}
    kinds = len(report.inspection.faults)
    if report.exit_code == 1:
        said = f"It is not what the files hold: {len(wrong) or kinds} thing{'' if (len(wrong) or kinds) == 1 else 's'} wrong; {report.summary}."
        return Paragraph(said, Text("[!!] ", style="bold red"))
    unknown = sum(len(each.names) for each in report.inspection.not_told)
    return Paragraph(f"Nothing wrong was found, but of {unknown} it could not be told; {report.summary}.", Text("[?] ", style="bold yellow"))


def _names(names: Sequence[str], every: bool) -> Iterator[str]:
    """The names; those that differ in one number only on one line: `model.layers.{0-31}.mlp.up_proj.weight`."""
    folded = list(_folded(names))
    shown = folded if every else folded[:_FEW]
    yield from shown
    if len(folded) > len(shown):
        yield f"and {len(folded) - len(shown)} more (-v shows them)"


def _folded(names: Sequence[str]) -> Iterator[str]:
    together: dict[str, list[int]] = {}
    single: dict[str, str] = {}
    for name in names:
        number = re.search(r"(?<=\.)\d+(?=\.)", name)
        key = f"{name[: number.start()]}\0{name[number.end() :]}" if number else name
        together.setdefault(key, []).append(int(number[0]) if number else -1)
        single[key] = name
    for key, numbers in together.items():
        if len(numbers) == 1:
            yield single[key]
        else:
            numbers.sort()
            whole = numbers == list(range(numbers[0], numbers[-1] + 1))
            said = f"{numbers[0]}-{numbers[-1]}" if whole else ",".join(map(str, numbers))
            yield key.replace("\0", f"{{{said}}}")


def _example(fault: Fault, by_name: dict[str, Tensor]) -> str:
    first = next((by_name[name] for name in fault.names if name in by_name and by_name[name].values), None)
    if first is None:
        return ""
    source = f"; the file has {first.source[0]}" if first.source and first.source[0] != first.name else ""
    return f"{first.values}{' in the first' if len(fault.names) > 1 else ''}{source}"


def _print_known(report: InspectionReport, console: Console) -> None:
    named = {each for fault in report.inspection.faults for each in fault.advisories}
    known = [each for each in report.known if each.id in named]
    if not known:
        return
    heading(console, "What of the installed versions does this")
    for each in known:
        console.print(Paragraph(each.title, Text.assemble((each.id, "bold"), "  ")))
        console.print(Paragraph(each.remedy, "       "))
    console.print()
    console.print(Paragraph(f"doctor {known[0].id} shows one; doctor confirm {' '.join(each.id for each in known[:3])} runs what shows it here.", ""))


def _asides(report: InspectionReport) -> Iterator[str]:
    inspection = report.inspection
    if inspection.unused:
        names = ", ".join(inspection.unused[:_FEW]) + (f" and {len(inspection.unused) - _FEW} more" if len(inspection.unused) > _FEW else "")
        yield f"In the files, and not in the model: {names}."
    if report.exposed:
        yield (
            "A part of it is offloaded: those parameters stay on meta between forwards, get no gradient, and are not moved or saved as others are "
            f"({', '.join(report.exposed)})."
        )
    if report.loaded is not None:
        times = ", ".join(f"{name} {took:.1f} s" for name, took in report.loaded.seconds.items())
        peak = report.loaded.peak_bytes.get("inspect")
        yield f"{times}{f'; at most {size(peak)} of memory' if peak else ''}"
