"""An explanation for a person at a terminal: place, cause, edit and next command first, evidence and facts after them. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from doctor.explain.brief import certainty, headline
from doctor.explain.explanation import LikelyCause
from doctor.facts.symptom import Frame
from doctor.reports.explanation import ExplanationReport, FailureReport
from doctor.reports.terminal.layout import Paragraph, heading

_STYLES = {"explained": "bold red", "doubtful": "bold yellow", "unknown": "bold", "not-ours": "bold"}
_MOST = 5
"""Up to so many failures are shown; a log can hold hundreds."""
_LABEL = 9
_CODE = ">>>"
"""In place of a label: code that has to stay in one piece, or it could not be pasted."""
_MOST_CODE = 300
"""Of a source line, minified perhaps."""


def print_explanation(report: ExplanationReport, console: Console, verbose: bool = False) -> None:
    """Print the report on `console`; `verbose` shows every failure, frame and cause."""
    if not report.failures:
        console.print("No failure found in the text.")
    shown = _worth_a_block(report.failures, verbose)
    _print_overview(report, console, shown, verbose)
    for number, failure in enumerate(shown):
        if number or len(report.failures) > 1:
            console.print()
        _print_first(failure, report, console, next_too=not number)
    ours = [each for each in shown if each.outcome != "not-ours"]
    for failure in ours:
        _print_evidence(failure, report, console, verbose, several=len(ours) > 1)
    _print_section(console, "Do not do this", [Paragraph(each, style="bold magenta") for each in report.warnings])
    contradictions = (Paragraph(f"{each.title}: {each.trigger}. {each.remedy}", f"  {each.id} ") for each in report.findings)
    _print_section(console, "What does not fit together", list(contradictions))
    _print_section(console, "What would settle it", [Paragraph(each, "  - ") for each in report.send])
    if ours or not report.failures:
        _print_section(console, "What is known of where it failed", [Paragraph(each) for each in _facts(report)])


def _worth_a_block(failures: Sequence[FailureReport], verbose: bool) -> Sequence[FailureReport]:
    """Of those that are not of the family one, and only where there is no other."""
    ours = [each for each in failures if each.outcome != "not-ours"]
    return failures if verbose else ours[:_MOST] or failures[:1]


def _print_section(console: Console, title: str, parts: Sequence[Paragraph]) -> None:
    if parts:
        heading(console, title)
    for part in parts:
        console.print(part)


# The first screen


def _print_overview(report: ExplanationReport, console: Console, shown: Sequence[FailureReport], verbose: bool) -> None:
    """A line for each failure, where there are several."""
    if len(report.failures) < 2:
        return
    console.print(Text(f"{len(report.failures)} different failures", style="bold underline"))
    listed = report.failures if verbose else report.failures[:_MOST]
    for each in listed:
        who = _who(each, report.ranks)
        console.print(Paragraph(f"{_in_short(each)}", Text(f"  {who}: " if who else "  - ", style="bold")))
    if len(report.failures) > len(listed) or len(shown) < len(report.failures):
        more = f"and {len(report.failures) - len(listed)} more; " if len(report.failures) > len(listed) else ""
        console.print(Paragraph(f"{more}--verbose shows all."))


def _in_short(failure: FailureReport) -> str:
    if failure.outcome == "unknown":
        return f"{_headline(failure)}: cause unknown"
    cause = failure.causes[0]
    if failure.outcome == "not-ours":
        return f"{_headline(failure)}: not about meta tensors"
    return f"{cause.title} ({cause.cause}): {certainty(cause.confidence)}"


def _print_first(failure: FailureReport, report: ExplanationReport, console: Console, *, next_too: bool) -> None:
    """What fits a screen: where, what, why, what to do, what never to do, whether an upgrade helps, what to run next."""
    who = _who(failure, report.ranks)
    if who:
        console.print(Text(who, style="bold"))
    _print_place(failure.place, console)
    times = f" ({failure.count} times)" if failure.count > 1 and not who else ""
    console.print(Paragraph(f"{_headline(failure)}{times}", "", style=_STYLES[failure.outcome]))
    console.print()
    for label, text in _first_lines(failure):
        _print_labelled(label, text, console)
    if next_too and report.next is not None:
        _print_command("Next", report.next, console)


def _print_place(place: Frame | None, console: Console) -> None:
    if place is None:
        return
    where = f"{place.file}:{place.line}" if place.line else place.file
    function = f" in {place.function}" if place.function and place.function != "<module>" else ""
    if len(where) + len(function) > console.width:
        function = ""
    console.print(Text(f"{where}{function}", style="bold cyan"), soft_wrap=True)  # an address broken in two cannot be clicked
    if place.code:
        console.print(Paragraph(place.code[:_MOST_CODE], "    "))


def _first_lines(failure: FailureReport) -> Iterator[tuple[str, str]]:
    if failure.outcome == "not-ours":
        yield "Not ours", f"This failure has nothing to do with meta tensors. {failure.causes[0].title}."
        yield "Do", failure.causes[0].remedy
    elif failure.outcome == "explained":
        yield from _explained(failure.causes[0])
    else:
        yield from _doubted(failure)


def _explained(cause: LikelyCause) -> Iterator[tuple[str, str]]:
    yield "Cause", f"{certainty(cause.confidence)}: {_named(cause)}"
    yield ("Edit", cause.edit) if cause.edit else ("Do", cause.remedy)
    if cause.avoid:
        yield "Never", cause.avoid
    yield "Upgrade", cause.upgrading


def _doubted(failure: FailureReport) -> Iterator[tuple[str, str]]:
    if failure.means:
        yield "Means", failure.means
    if not failure.causes:
        yield "Unknown", "Nothing the matrix knows of fits. That is not a sign that nothing is wrong."
    by_signs = [cause for cause in failure.causes if cause.basis == "signs"]
    for number, cause in enumerate(by_signs):
        yield "" if number else "May be", f"{100 * cause.confidence:.0f} % {_named(cause)}"
    if failure.question is not None:
        yield "Ask", failure.question.ask
        if failure.question.run is not None:
            yield _CODE, failure.question.run
        for number, answer in enumerate(failure.question.answers):
            yield "" if number else "Usually", f"{100 * answer.share:2.0f} % {answer.says}: {answer.seen}"
    elif by_signs:
        yield "Ask", by_signs[0].settle
    avoid = failure.avoid or next((cause.avoid for cause in failure.causes if cause.avoid), None)
    if avoid:
        yield "Never", avoid
    if failure.causes:
        yield "Upgrade", failure.causes[0].upgrading


def _print_labelled(label: str, text: str, console: Console) -> None:
    if label == _CODE:
        console.print(Text(text, style="green"), soft_wrap=True)
        return
    style = {"Cause": "bold red", "Never": "bold magenta", "Edit": "bold green", "Do": "bold green"}.get(label, "bold")
    console.print(Paragraph(text, Text(f"{label:<{_LABEL}}", style=style)))


def _print_command(label: str, command: str, console: Console) -> None:
    """In one piece, or it could not be pasted."""
    lead = Text(f"{label:<{_LABEL}}", style="bold")
    if _LABEL + len(command) > console.width:
        console.print(lead)
        lead = Text("")
    console.print(lead + Text(command, style="green"), soft_wrap=True)


# After it


def _print_evidence(failure: FailureReport, report: ExplanationReport, console: Console, verbose: bool, *, several: bool) -> None:
    """What speaks for the causes, and what else is known of them."""
    parts = list(_evidence(failure, verbose))
    who = _who(failure, report.ranks) or f"line {failure.line}"
    if parts:
        _print_section(console, f"Why ({who})" if several else "Why", parts)
    for frame in failure.frames if verbose else failure.frames[-1:]:
        if verbose or frame != failure.place:
            _print_frame(frame, console, raised=not verbose)
    for reference in failure.causes[0].references[:1] if failure.causes else ():
        console.print(f"  see {reference}", soft_wrap=True, markup=False)


def _evidence(failure: FailureReport, verbose: bool) -> Iterator[Paragraph]:
    if failure.question is not None and failure.causes and failure.causes[0].basis == "frequency":
        yield Paragraph(
            f"nothing but its message; how often each cause was behind it was counted over {failure.question.reports} public reports", "  - "
        )
        return
    for number, cause in enumerate(failure.causes):
        if number and not verbose and cause.confidence < failure.causes[0].confidence / 2:
            continue
        if number:
            yield Paragraph(f"or, {certainty(cause.confidence)}: {_named(cause)}", "  ")
        yield from (Paragraph(said, "  - ") for said in cause.because)
        if cause.edit is not None or failure.outcome != "explained" or number:
            yield Paragraph(f"In general: {cause.remedy}", "  - ")
        if cause.confidence < 0.95:
            yield Paragraph(f"To make sure: {cause.settle}", "  - ")


def _print_frame(frame: Frame, console: Console, *, raised: bool) -> None:
    """The address in one piece: broken in two it could not be clicked."""
    where = f"{frame.file or '?'}:{frame.line}" if frame.line else frame.file or "?"
    line = f"  - {'raised at ' if raised else ''}{where} in {frame.function or '?'}"
    if len(line) > console.width:
        console.print(Text(f"  - {'raised in ' if raised else ''}{frame.function or '?'}:", style="dim"))
        line = where
    console.print(Text(line, style="dim"), soft_wrap=True)


def _facts(report: ExplanationReport) -> Iterator[str]:
    """The releases, those of one source together."""
    environment = report.environment
    known = [
        (f"packages.{name}.version", f"{name}{'' if distribution.version is not None else ':'} {distribution.shown_version}")
        for name, distribution in environment.packages.items()
        if distribution.shown_version is not None
    ]
    if environment.python.version:
        known.append(("python.version", f"Python {environment.python.version}"))
    by_source: dict[str | None, list[str]] = {}
    for fact, said in known:
        by_source.setdefault(environment.sources.get(fact), []).append(said)
    for source, facts in by_source.items():
        yield f"{', '.join(facts)}" + (f" ({source})" if source else "")


# Words


def _headline(failure: FailureReport) -> str:
    return headline(failure.exception, failure.message, has_frames=bool(failure.frames))


def _named(cause: LikelyCause) -> str:
    names = (cause.cause, cause.kind, *((cause.advisory,) if cause.advisory else ()))
    return f"{cause.title} ({', '.join(names)})"


def _who(failure: FailureReport, ranks: Sequence[int]) -> str:
    """`63 of 64 ranks (0-36, 38-63)`; empty where no prefix tells."""
    parts = list(failure.processes[:3])
    if len(failure.processes) > 3:
        parts.append(f"{len(failure.processes) - 3} more processes")
    if len(failure.ranks) == 1:
        parts.insert(0, f"rank {failure.ranks[0]}")
    elif failure.ranks:
        parts.insert(0, f"{len(failure.ranks)} of {len(ranks)} ranks ({_runs(failure.ranks)})")
    return ", ".join(parts)


def _runs(numbers: Iterable[int]) -> str:
    """`0-36, 38-63`."""
    runs: list[list[int]] = []
    for each in numbers:
        if runs and each == runs[-1][-1] + 1:
            runs[-1][1:] = [each]
        else:
            runs.append([each])
    return ", ".join("-".join(map(str, run)) for run in runs)
