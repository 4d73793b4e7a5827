"""`doctor fix` for a person at a terminal. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from doctor.fix.mending import ByHand
from doctor.reports.fix import FixReport, Outcome, Treated
from doctor.reports.terminal.layout import Paragraph, Part, Unbroken

_SIGNS: Mapping[Outcome, tuple[str, str]] = {
    "nothing-to-do": ("[ok]", "bold green"),
    "cured": ("[ok]", "bold green"),
    "undone": ("[ok]", "bold green"),
    "planned": ("[!!]", "bold yellow"),
}
_REFUSED = ("[!!]", "bold red")
_MOST_OBSTACLES = 4


def print_plan(report: FixReport, console: Console) -> None:
    """Print what is to be changed, before it is."""
    _print(_examined(report), console)
    if report.steps:
        console.print(_table(report))
    _print(_about(report), console)


def print_outcome(report: FixReport, console: Console) -> None:
    """Print what came of it."""
    sign, style = _SIGNS.get(report.outcome, _REFUSED)
    _print(iter([Paragraph(report.sentence, Text(f"{sign} ", style=style), "bold")]), console)
    _print(_after(report), console)


def _print(parts: Iterator[Part], console: Console) -> None:
    for part in parts:
        if isinstance(part, Unbroken):
            for line in part.lines(console.width):
                console.print(line, soft_wrap=True)
        else:
            console.print(part)


def _examined(report: FixReport) -> Iterator[Part]:
    yield Unbroken(Text(report.executable, style="bold"), Text("Examined "), Text(f": {report.chosen_because}"))
    for each in report.targets:
        seen = {None: "", "reproduced": "reproduced here: "}.get(each.before, f"{each.before}: ")
        yield Paragraph(f"{seen}{each.title}", Text.assemble("  ", (each.id, "bold"), "  "))


def _table(report: FixReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    table.title = None
    for name in ("package", "from", "to", "why"):
        table.add_column(name, overflow="fold")
    table.add_column("download", justify="right")
    for each in report.steps:
        table.add_row(each.package, each.from_ or "-", each.to, each.because, _size(each.download))
    return table


def _about(report: FixReport) -> Iterator[Part]:
    if report.steps:
        yield Text()
    if report.stays:
        yield Paragraph(f"Stays as it is: {', '.join(f'{name} {version}' for name, version in report.stays.items())}.", "")
    if report.steps and report.brings:
        yield Paragraph(f"Comes with it, and bites only what uses it: {_ids(report.brings)}.", "")
    for each in report.targets:
        if not each.planned:
            yield Paragraph(f"{each.id} is not cured by it. {each.remedy}", "")
    for fault in report.by_hand:
        yield from _by_hand(fault)
    for said in report.obstacles[:_MOST_OBSTACLES]:
        yield Paragraph(f"Not {said}.".replace("..", "."), "")
    if len(report.obstacles) > _MOST_OBSTACLES:
        yield Paragraph(f"And {len(report.obstacles) - _MOST_OBSTACLES} more that cannot be had: --format json has them.", "")
    if report.complaints_before:
        yield Paragraph(f"Broken already, and left so: {'; '.join(report.complaints_before)}.", "")
    for pin in report.pins:
        how = f" ({pin.by_hand})" if pin.by_hand else ""
        yield Unbroken(Text(f"{pin.file}:{pin.line}"), Text(), Text(f": {pin.now}  ->  {pin.instead}{how}"))
    if report.command:
        yield Unbroken(Text(report.command, style="bold green"), Text("  "))


def _by_hand(fault: ByHand) -> Iterator[Part]:
    yield Paragraph(f"{fault.title}: {fault.seen}. {fault.remedy}", Text.assemble("  ", (fault.id, "bold"), "  "))
    if fault.command:
        yield Unbroken(Text(fault.command, style="green"), Text("         again: "))
    yield Unbroken(Text(fault.reference), Text("         see: "))


def _after(report: FixReport) -> Iterator[Part]:
    for each in report.targets:
        if each.cured is not None:
            yield Paragraph(_proved(each), Text.assemble("  ", (each.id, "bold"), "  "))
    for fault in report.faults:
        yield Paragraph(fault)
    if report.freeze_is_the_same is not None:
        how = "byte for byte what it said before" if report.freeze_is_the_same else "something else than before"
        yield Paragraph(f"Everything was put back; `pip freeze` says {how}.")
    for file in report.written:
        yield Unbroken(Text(file), Text("  written: "))
    if report.kept_in is not None and report.outcome == "cured":
        room = f", {_size(report.kept_bytes)}" if report.kept_bytes else ""
        yield Unbroken(Text("doctor fix --undo" + _aimed(report), style="green"), Text("  to undo it: "), Text(f"  (kept in {report.kept_in}{room})"))


def _aimed(report: FixReport) -> str:
    return f" --python {report.executable}" if report.chosen_because == "named with --python" else ""


def _proved(each: Treated) -> str:
    if each.before is None and each.after is None:
        return "does not hold any more, by its versions" if each.cured else "holds still"
    verdicts = f"{each.before or 'not run'} before, {each.after or 'not run'} after"
    return f"{'cured' if each.cured else 'not cured'}: {verdicts}"


def _ids(ids: tuple[str, ...], most: int = 8) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")


def _size(count: int | None) -> str:
    if count is None:
        return "?"
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"
