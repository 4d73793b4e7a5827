"""An explanation for a person at a terminal: the failure, its cause and how sure, why, what to do. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from doctor.explain.explanation import LikelyCause
from doctor.facts.symptom import Frame
from doctor.reports.explanation import ExplanationReport, FailureReport
from doctor.reports.terminal.layout import Paragraph, heading

_STYLES = {"explained": "bold red", "doubtful": "bold yellow", "unknown": "bold"}
_MOST = 5
"""Up to so many failures are shown; a log can hold hundreds."""


def print_explanation(report: ExplanationReport, console: Console, verbose: bool = False) -> None:
    """Print the report on `console`; `verbose` shows every failure and every frame."""
    if not report.failures:
        console.print("No failure found in the text.")
    shown = report.failures if verbose else report.failures[:_MOST]
    for number, failure in enumerate(shown):
        if number:
            console.print()
        _print_failure(failure, console, verbose)
    if len(report.failures) > len(shown):
        console.print(Paragraph(f"And {len(report.failures) - len(shown)} more: --verbose shows all."))
    _print_section(console, "Do not do this", [Paragraph(each, style="bold magenta") for each in report.warnings])
    contradictions = (Paragraph(f"{each.title}: {each.trigger}. {each.remedy}", f"  {each.id} ") for each in report.findings)
    _print_section(console, "What does not fit together", list(contradictions))
    _print_section(console, "What would settle it", [Paragraph(each, "  - ") for each in report.send])
    _print_section(console, "What the text states", [Paragraph(each) for each in _facts(report)])
    if report.failures:
        console.print()
        console.print(Paragraph("To attach this to a bug report, where it happened: doctor report --traceback FILE -o report.md", ""))


def _print_section(console: Console, title: str, parts: Sequence[Paragraph]) -> None:
    if parts:
        heading(console, title)
    for part in parts:
        console.print(part)


def _print_failure(failure: FailureReport, console: Console, verbose: bool) -> None:
    times = f" ({failure.count} times)" if failure.count > 1 else ""
    message = failure.message.partition("\n")[0]
    what = ": ".join(part for part in (failure.exception, message) if part) or "A traceback without its end" * bool(failure.frames) or "In words only"
    console.print(Paragraph(f"{what}{times}", Text(f"line {failure.line}: ", style="dim"), style=_STYLES[failure.outcome]))
    for frame in failure.frames if verbose else _telling(failure.frames):
        where = f"{frame.file}:{frame.line}" if frame.line else frame.file
        console.print(Paragraph(f"{where} in {frame.function or '?'}", "  ", style="dim"))
    if not failure.causes:
        console.print(Paragraph("Cause unknown: nothing the matrix knows of fits. That is not a sign that nothing is wrong."))
    for rank, cause in enumerate(failure.causes):
        if rank == 0 or verbose:
            _print_cause(cause, failure.outcome == "explained", console)
        elif cause.confidence >= failure.causes[0].confidence / 2:
            console.print(Paragraph(f"{cause.title} ({cause.cause}, {_percent(cause)}): {_first(cause)}", Text("  or:       ", style="bold")))


def _telling(frames: Sequence[Frame]) -> list[Frame]:
    """The last frame of the user's own code, where there is one, and the last of all."""
    own = [each for each in frames if not any(folder in each.file for folder in ("site-packages/", "dist-packages/", "/lib/python"))]
    return list(dict.fromkeys((*own[-1:], *frames[-1:])))


def _print_cause(cause: LikelyCause, sure: bool, console: Console) -> None:
    names = f"{cause.cause}, {cause.kind}" + (f", {cause.advisory}" if cause.advisory else "")
    lead = Text("  cause:    " if sure else "  maybe:    ", style="bold")
    console.print(Paragraph(f"{cause.title} ({names}; {_percent(cause)} sure)", lead))
    for label, text in _lines(cause):
        console.print(Paragraph(text, f"  {label + ':' if label else '':<10}"))
    for reference in cause.references[:1]:
        console.print(f"  see:      {reference}", soft_wrap=True, markup=False)  # an address broken in two cannot be followed


def _lines(cause: LikelyCause) -> Iterator[tuple[str, str]]:
    yield from (("because" if not number else "", f"{said}") for number, said in enumerate(cause.because))
    yield "remedy", cause.remedy
    if cause.avoid:
        yield "avoid", cause.avoid
    if cause.confidence < 0.95:
        yield "settle", f"{cause.settle}"


def _first(cause: LikelyCause) -> str:
    return cause.because[0] if cause.because else cause.settle


def _percent(cause: LikelyCause) -> str:
    return f"{cause.confidence:.0%}"


def _facts(report: ExplanationReport) -> Iterator[str]:
    environment = report.environment
    for name, distribution in environment.packages.items():
        source = environment.sources.get(f"packages.{name}.version")
        if distribution.shown_version is not None:
            yield f"{name} {distribution.shown_version}" + (f" ({source})" if source else "")
    if environment.python.version:
        source = environment.sources.get("python.version")
        yield f"Python {environment.python.version}" + (f" ({source})" if source else "")
