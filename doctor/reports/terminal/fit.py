"""Whether a model fits, for a person at a terminal: the verdict, a bar for each device, what to do about it. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from doctor.facts.sizes import size
from doctor.models.fit import modules_in_words
from doctor.reports.fit import Device, FitReport
from doctor.reports.terminal.layout import Paragraph, heading

_SIGNS = {
    "fits": ("[ok] ", "bold green"),
    "offloaded": ("[!!] ", "bold yellow"),
    "too large": ("[!!] ", "bold red"),
    "refused": ("[!!] ", "bold red"),
}
_BAR = 24
_FEW = 6
"""So many advisories are shown with their titles."""
_STYLES = {"silent": "bold magenta", "error": "bold red", "warning": "yellow"}


def print_fit(report: FitReport, console: Console) -> None:
    """Print the report on `console`: the verdict first."""
    sign, style = _SIGNS[report.verdict]
    console.print(Paragraph(f"{report.verdict_line}.", Text(sign, style=style), "bold"))
    for line in _model(report):
        console.print(Paragraph(line, "     ", "dim"))
    if report.decided_by is not None:
        console.print()
        for device in report.devices:
            console.print(_bar(device, report))
        console.print()
        for line in _numbers(report):
            console.print(Paragraph(line, "  "))
    if report.remedies:
        heading(console, "What would make it fit")
        for each in report.remedies:
            console.print(Paragraph(each, "  "))
    _print_advisories(report, console)
    if report.assumes:
        heading(console, "What this assumes")
        for each in report.assumes:
            console.print(Paragraph(each, "  ", "dim"))


def _model(report: FitReport) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    yield f"{report.model}: {report.model_class or report.format}{f', by {versions}' if versions and report.decided_by == 'accelerate' else ''}"
    total, loaded = report.parameters.total, report.bytes.loaded
    if total is not None:
        sizes = [f"{size(each)} {name}" for name, each in report.bytes.by_dtype.items()]
        tied = f"; {len(report.parameters.tied)} tied" if report.parameters.tied else ""
        stored = f"; {size(report.bytes.stored)} on disk" if report.bytes.stored is not None else ""
        yield f"{total:,} parameters{tied}; {size(loaded)}{f' ({chr(44).join(sizes)})' if len(sizes) == 1 else ''}{stored}"
    if report.decided_by == "estimate":
        yield f"An estimate, not what accelerate decided: {report.because}"


def _bar(device: Device, report: FitReport) -> Paragraph:
    """How full a device gets: a bar, what goes there of what there is, and which modules these are."""
    free = device.free if device.free is not None else device.limit
    share = min(device.placed / free, 1.0) if free else float(device.placed > 0)
    filled = round(share * _BAR) or int(device.placed > 0)
    name = f"GPU {device.name}" if device.name.isdecimal() else {"cpu": "RAM", "disk": "disk"}.get(device.name, device.name)
    full = free is not None and device.placed > free
    lead = Text.assemble(f"  {name:<6}", ("#" * filled, "red" if full else "green"), ("." * (_BAR - filled), "dim"), " ")
    what = f": {modules_in_words(report.placement, device.name)}" if device.placed else ""
    return Paragraph(f"{size(device.placed)} of {size(free) if free is not None else 'an unknown size'}{what}", lead)


def _numbers(report: FitReport) -> Iterator[str]:
    left = report.on_meta
    if left is not None and left.tensors:
        yield f"On meta after loading: {left.tensors} parameters with {left.parameters:,} numbers, {size(left.bytes)}."
    elif left is not None:
        yield "On meta after loading: nothing."
    if report.loading.peak is not None:
        plain = report.loading.without_device_map
        also = f"; with no device_map {size(plain)}" if plain is not None and plain != report.loading.peak else ""
        yield f"RAM while loading: {size(report.loading.peak)} at most{also}."
    if report.cache is not None:
        yield (
            f"Keys and values: {size(report.cache.bytes)}." if report.cache.bytes is not None else f"Keys and values: unknown: {report.cache.reason}"
        )


def _print_advisories(report: FitReport, console: Console) -> None:
    now = [each for each in report.advisories if not each.needs]
    later = [each for each in report.advisories if each.needs]
    for title, found in (("Known problems this walks into", now), ("Known problems that wait for what is done to it", later)):
        if not found:
            continue
        heading(console, title)
        for each in found[:_FEW]:
            lead = Text.assemble("  ", (each.id, "bold"), " ", (f"{each.severity:<7} ", _STYLES[each.severity]))
            needs = f" ({', '.join(each.needs)})" if each.needs else ""
            console.print(Paragraph(f"{each.title}{needs}", lead))
        if len(found) > _FEW:
            console.print(Paragraph(f"and {', '.join(each.id for each in found[_FEW:])}: doctor matrix show ID", "  "))
