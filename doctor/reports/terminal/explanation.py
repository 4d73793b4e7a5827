"""An explanation for a person at a terminal: place, cause, edit and next command on one screen, evidence and facts behind it. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from doctor.explain.brief import certainty, short_headline
from doctor.explain.explanation import LikelyCause
from doctor.explain.places import short_place
from doctor.facts.symptom import Frame
from doctor.reports.explanation import ExplanationReport, FailureReport
from doctor.reports.terminal.layout import Paragraph, Row, Unbroken, print_rows, print_screen, row

_STYLES = {"explained": "bold red", "doubtful": "bold yellow", "unknown": "bold", "not-ours": "bold"}
_LABELS = {"Cause": "bold red", "Never": "bold magenta", "Edit": "bold green", "Do": "bold green"}
_MOST = 5
"""Up to so many failures are listed, and as many causes and answers; a log can hold hundreds."""
_MUST = 2
"""So many of them have to be on the screen, where nothing says more."""
_LABEL = 9
_MOST_RUNS = 4
_MOST_CODE = 300
"""Of a source line, minified perhaps."""
_SURE_ENOUGH = 0.95
"""From this confidence on nothing is asked for that would make sure."""


def print_explanation(report: ExplanationReport, console: Console, verbose: bool = False, more: str | None = None) -> None:
    """Print the report on `console`: a screen of it, or with `verbose` every failure, frame and cause.

    `more` is the command that prints it verbose; None: there is none, as the text is gone.
    """
    if verbose:
        print_rows([*_overview(report, report.failures), *_whole(report)], console)
    else:
        print_screen(list(_first_screen(report, more)), console)


# One screen


def _first_screen(report: ExplanationReport, more: str | None) -> Iterator[Row]:
    """What cannot be missing: where, what, why, what to do, what never to do, whether an upgrade helps, what to run next."""
    shown = _worth_showing(report.failures)
    yield from _overview(report, shown)
    for each in shown[:1]:
        yield from _block(each, report)
    if not report.failures:
        yield row(Text("No failure found in the text."))
        yield from _never(report)
    yield from _placed(report)
    if report.next is not None:
        yield _line("Next", report.next)
    if more is not None and any(each.outcome != "not-ours" for each in report.failures):
        yield _line("More", more)
    reasons = list(_reasons(report))
    if reasons:
        yield row(Text(), spare=min(each.spare for each in reasons))
    yield from reasons
    for each in shown[1:]:
        yield from _other(each, report)


def _worth_showing(failures: Sequence[FailureReport]) -> Sequence[FailureReport]:
    """Of those that are not of the family one, and only where there is no other."""
    return [each for each in failures if each.outcome != "not-ours"][:_MOST] or failures[:1]


def _overview(report: ExplanationReport, shown: Sequence[FailureReport]) -> Iterator[Row]:
    """A line for each failure, where there are several."""
    if len(report.failures) < 2:
        return
    yield row(Text(f"{len(report.failures)} different failures", style="bold"))
    listed = report.failures[: max(_MOST, len(shown))]
    for number, each in enumerate(listed):
        who = _who(each, report.ranks)
        where = who or (short_place(each.place) if each.place is not None else f"line {each.line}")
        yield row(Paragraph(_in_short(each), Text(f"  {where}: ", style="bold"), one_line=True), spare=1 if number >= _MUST else 0)
    yield row(Text())


def _in_short(failure: FailureReport) -> str:
    if failure.outcome == "unknown":
        return f"{_headline(failure)}: cause unknown"
    if failure.outcome == "not-ours":
        return f"{_headline(failure)}: not about meta tensors"
    cause = failure.causes[0]
    return f"{certainty(cause.confidence)}: {cause.title} ({cause.cause})"


def _block(failure: FailureReport, report: ExplanationReport) -> Iterator[Row]:
    who = _who(failure, report.ranks)
    yield from _place(failure.place, who)
    times = f" ({failure.count} times)" if failure.count > 1 and not who else ""
    yield row(Paragraph(f"{_headline(failure)}{times}", "", style=_STYLES[failure.outcome]))
    yield row(Text())
    only_advice = bool(report.warnings) and not (failure.exception or failure.message or failure.frames)
    if only_advice:
        yield from _never(report, failure)
    if failure.outcome == "not-ours":
        yield _told("Not ours", f"This failure has nothing to do with meta tensors. {failure.causes[0].title}.")
        yield _told("Do", failure.causes[0].remedy)
    elif failure.outcome == "explained":
        cause = failure.causes[0]
        yield _told("Cause", f"{certainty(cause.confidence)}: {_named(cause)}")
        yield _to_do(cause)
    else:
        yield from _doubted(failure)
    if not only_advice:
        yield from _never(report, failure)
    if failure.outcome != "not-ours":
        yield _told("Upgrade", _upgrading(failure).removeprefix("Upgrade "))


def _upgrading(failure: FailureReport) -> str:
    best = failure.causes[0] if failure.causes else None
    return best.upgrading if best is not None and (failure.outcome == "explained" or best.advisory is not None) else "Not known before the cause is."


def _to_do(cause: LikelyCause) -> Row:
    return _told("Edit", cause.edit) if cause.edit else _told("Do", cause.remedy)


def _doubted(failure: FailureReport) -> Iterator[Row]:
    if failure.means:
        yield _told("Means", failure.means)
    if not failure.causes:
        yield _told("Unknown", "Nothing that is known fits. That is not a sign that nothing is wrong.")
    by_signs = [cause for cause in failure.causes if cause.basis == "signs"]
    yield from _shares("May be", [(cause.confidence, _named(cause)) for cause in by_signs], _MUST)
    if failure.question is not None:
        yield _told("Check", failure.question.ask)
        for way in (failure.question.run, failure.question.command):
            if way is not None:
                yield row(Unbroken(Text(way, style="green")))
        answers = failure.question.answers
        yield from _shares("", [(each.share, f"{each.value}: {each.seen} ({each.says})") for each in answers], 0 if by_signs else _MUST)
    elif by_signs:
        yield _told("Check", by_signs[0].settle)


def _other(failure: FailureReport, report: ExplanationReport) -> Iterator[Row]:
    """A failure after the first: its cause stands in the overview, so where it is and what to do there."""
    if failure.outcome != "explained" or failure.place is None:
        return
    rows = (*_place(failure.place, _who(failure, report.ranks)), _to_do(failure.causes[0]))
    yield row(Text(), *(part for each in rows for part in each.parts), spare=2)


def _reasons(report: ExplanationReport) -> Iterator[Row]:
    """What the first conclusion rests on, as far as there is room."""
    for finding in report.findings:
        yield _told("Conflict", f"{finding.title}: {finding.trigger}", 1)
    first = report.failures[0] if report.failures else None
    if first is not None and first.outcome != "not-ours":
        yield from _listed("Send", report.send, 3 if first.outcome == "doubtful" else 0)
        best = first.causes[0] if first.causes else None
        if best is not None and best.basis == "signs":
            yield from _listed("Why", best.because, 3)
            if first.outcome == "explained" and best.confidence < _SURE_ENOUGH:
                yield _told("Check", best.settle, 4)
    if first is None or first.outcome != "not-ours":
        yield from _listed("Releases", list(_facts(report)), 5)


# All of it


def _whole(report: ExplanationReport) -> Iterator[Row]:
    for number, failure in enumerate(report.failures):
        if number:
            yield row(Text())
        yield from _block(failure, report)
        yield from _titled("Why", _evidence(failure))
        yield from _titled("The way there", (row(_clickable(each, "  - ", f" in {each.function or '?'}")) for each in failure.frames))
    if not report.failures:
        yield row(Text("No failure found in the text."))
        yield from _never(report)
    yield from _titled(
        "What does not fit together", (row(Paragraph(f"{each.title}: {each.trigger}. {each.remedy}", f"  {each.id} ")) for each in report.findings)
    )
    yield from _titled("What would settle it", (_item(each) for each in report.send))
    if not report.failures or any(each.outcome != "not-ours" for each in report.failures):
        yield from _titled("What is known of where it failed", (_item(each) for each in _facts(report)))
    if report.placed is not None:
        yield row(Text())
        yield from _placed(report)
    if report.next is not None:
        yield row(Text())
        yield _line("Next", report.next)


def _placed(report: ExplanationReport) -> Iterator[Row]:
    """Where the model that was loaded goes here, where that was asked."""
    if report.placed is not None:
        yield row(Paragraph(f"The model {report.placed}.", Text(f"{'Here':<{_LABEL}}", style="bold")))


def _titled(title: str, rows: Iterable[Row]) -> Iterator[Row]:
    listed = list(rows)
    if listed:
        yield row(Text())
        yield row(Text(title, style="bold underline"))
    yield from listed


def _evidence(failure: FailureReport) -> Iterator[Row]:
    """What speaks for the causes, and what else is known of them."""
    if failure.outcome == "not-ours":
        return
    if failure.question is not None and failure.question.reports:
        yield _item(f"nothing but its message; how often each cause was behind it was counted over {failure.question.reports} public reports")
    else:
        for number, cause in enumerate(failure.causes):
            if number:
                yield row(Paragraph(f"or, {certainty(cause.confidence)}: {_named(cause)}"))
            yield from map(_item, cause.because)
            if cause.edit is not None or failure.outcome != "explained" or number:
                yield _item(f"In general: {cause.remedy}")
            if cause.confidence < _SURE_ENOUGH:
                yield _item(f"To make sure: {cause.settle}")
    yield from (row(Unbroken(Text(reference), Text("  see "))) for cause in failure.causes[:1] for reference in cause.references)


# Parts


def _told(label: str, text: str, spare: int = 0) -> Row:
    return row(Paragraph(text, Text(f"{label:<{_LABEL}}", style=_LABELS.get(label, "bold"))), spare=spare)


def _listed(label: str, texts: Sequence[str], spare: int) -> Iterator[Row]:
    for number, text in enumerate(texts):
        yield _told("" if number else label, text, spare)


def _shares(label: str, shares: Sequence[tuple[float | None, str]], must: int) -> Iterator[Row]:
    """Each with how sure or how often it is it, where that is known; the first `must` have to be on the screen."""
    for number, (share, text) in enumerate(shares):
        lead = Text.assemble((f"{'' if number else label:<{_LABEL}}", "bold"), "- " if share is None else f"{100 * share:2.0f} % ")
        yield row(Paragraph(text, lead), spare=1 if number >= must else 0)


def _item(text: str) -> Row:
    return row(Paragraph(text, "  - "))


def _line(label: str, command: str) -> Row:
    return row(Unbroken(Text(command, style="green"), Text(f"{label:<{_LABEL}}", style="bold")))


def _place(place: Frame | None, who: str) -> Iterator[Row]:
    if place is None:
        yield from [row(Text(who, style="bold"))] if who else []
        return
    function = f" in {place.function}" if place.function and place.function != "<module>" else ""
    yield row(_clickable(place, f"{who}: " if who else "", function, "bold cyan"))
    if place.code:
        yield row(Paragraph(place.code[:_MOST_CODE], "    ", one_line=True))


def _clickable(frame: Frame, before: str, after: str, style: str = "dim") -> Unbroken:
    where = f"{frame.file or '?'}:{frame.line}" if frame.line else frame.file or "?"
    return Unbroken(Text(where, style=style), Text(before, style="bold"), Text(after, style=style))


def _never(report: ExplanationReport, failure: FailureReport | None = None) -> Iterator[Row]:
    """The wrong advice that the text itself holds, and what never to do about such a failure where that is not told with it."""
    avoid = failure.avoid or next((cause.avoid for cause in failure.causes if cause.avoid), None) if failure is not None else None
    told = any("to_empty" in each for each in report.warnings)
    yield from (_told("Never", each) for each in (*report.warnings, *((avoid,) if avoid and not told else ())))


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
    return short_headline(failure.exception, failure.message, has_frames=bool(failure.frames))


def _named(cause: LikelyCause) -> str:
    return f"{cause.title} ({cause.cause}{f', {cause.advisory}' if cause.advisory else ''})"


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
    """`0-36, 38-63`; the first few, where they are scattered."""
    runs: list[list[int]] = []
    for each in numbers:
        if runs and each == runs[-1][-1] + 1:
            runs[-1][1:] = [each]
        else:
            runs.append([each])
    return ", ".join(["-".join(map(str, run)) for run in runs[:_MOST_RUNS]] + ["..."] * (len(runs) > _MOST_RUNS))
