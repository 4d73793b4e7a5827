"""`doctor explain` for the page that runs in a browser: a text in, its report out as JSON and as HTML. Needs nothing but doctor itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from doctor.explain.explanation import LikelyCause
from doctor.explain.text import read_logs
from doctor.facts.environment import STACK
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.explanation import ExplanationReport, FailureReport, QuestionReport, explanation_report
from doctor.reports.json import as_json
from doctor.reports.redact import Screen

_OUTCOMES = {
    "explained": "explained",
    "doubtful": "in doubt: these causes fit, none surely",
    "unknown": "no cause that doctor knows fits",
    "not-ours": "nothing to do with tensors on meta",
}


def explained(text: str, answers: Mapping[str, str]) -> tuple[str, str]:
    """The HTML and the JSON of what a text shows; `answers` are values of facts, by their names."""
    matrix = builtin_matrix()
    reader = read_logs([[text.encode("utf-8", "replace")]], matrix)
    for fact in matrix.facts:
        answer = fact.answer(answers[fact.name]) if fact.name in answers else None
        if answer is not None:
            reader.answer(fact, answer, "option")
    report = explanation_report(reader.explanation(), matrix, Screen())
    return "".join(_page(report)), as_json(report)


def _page(report: ExplanationReport) -> Iterator[str]:
    if not report.failures:
        yield "<p>The text shows no failure.</p>"
    for failure in report.failures:
        yield from _failure(failure)
    for each in report.warnings:
        yield f"<p><strong>Careful:</strong> {escape(each)}</p>"
    versions = {name: each for name, each in report.environment.packages.items() if name in STACK or each.version is not None}
    if versions:
        yield "<h2>Releases</h2><ul>"
        for name, distribution in versions.items():
            yield f"<li>{escape(name)} {escape(distribution.version or 'of unknown version')}{_source(report, name)}</li>"
        yield "</ul>"
    if report.send:
        yield "<h2>What would tell more</h2><ul>" + "".join(f"<li>{escape(each)}</li>" for each in report.send) + "</ul>"
    if report.next is not None:
        yield f'<h2>Next</h2><pre tabindex="0"><code>{escape(report.next)}</code></pre>'


def _source(report: ExplanationReport, name: str) -> str:
    source = report.environment.sources.get(f"packages.{name}.version")
    return f' <span class="quiet">({escape(source)})</span>' if source is not None else ""


def _failure(failure: FailureReport) -> Iterator[str]:
    named = f"{failure.exception or ''}: {failure.message}".strip(": ") or "A failure without a message"
    yield f'<article class="failure"><h2>{escape(named.splitlines()[0][:300])}</h2>'
    yield f'<p><span class="tag">{escape(_OUTCOMES[failure.outcome])}</span>'
    if failure.place is not None:
        yield f" at <code>{escape(f'{failure.place.file}:{failure.place.line}')}</code>"
    yield "</p>"
    if failure.means is not None:
        yield f"<p>{escape(failure.means)}</p>"
    if failure.avoid is not None:
        yield f"<p><strong>Never:</strong> {escape(failure.avoid)}</p>"
    if failure.question is not None:
        yield from _question(failure.question)
    for cause in failure.causes:
        yield from _cause(cause)
    yield "</article>"


def _cause(cause: LikelyCause) -> Iterator[str]:
    yield f'<section><h3>{escape(cause.title)} <span class="quiet">{cause.confidence:.0%}, {escape(cause.kind)}</span></h3><dl>'
    upgrade = f"{cause.upgrade.package} {cause.upgrade.to}. " if cause.upgrade is not None else ""
    rows = {
        "because": "; ".join(cause.because),
        "do": cause.remedy,
        "edit": cause.edit,
        "upgrade": upgrade,
        "or": cause.upgrading,
        "never": cause.avoid,
    }
    for label, said in rows.items():
        if said:
            yield f"<dt>{label}</dt><dd>{escape(said)}</dd>"
    if cause.advisory is not None:
        yield f'<dt>see</dt><dd><a href="matrix/{escape(cause.advisory)}.html">{escape(cause.advisory)}</a></dd>'
    yield "</dl></section>"


def _question(question: QuestionReport) -> Iterator[str]:
    yield f"<p><strong>What would decide:</strong> {escape(question.ask)}</p>"
    if question.run is not None:
        yield f'<pre tabindex="0"><code>{escape(question.run)}</code></pre>'
    yield "<p>"
    for each in question.answers:
        yield f'<button type="button" data-fact="{escape(question.fact)}" data-value="{escape(each.value)}">{escape(each.seen)}</button> '
    yield "</p>"
