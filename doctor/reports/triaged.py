"""The documents of `doctor triage`, a row for each text and a summary, as types: their JSON Schemas are generated from these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from doctor.explain.explanation import SURE
from doctor.explain.model import table_digest
from doctor.explain.places import library_frames
from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen, replace
from doctor.knowledge.matching import installed_version
from doctor.knowledge.matrix import Matrix
from doctor.reports.document import SchemaVersion
from doctor.reports.explained import ExplainedText
from doctor.reports.explanation import FailureReport, wanted
from doctor.version import __version__

TriageOutcome = Literal["explained", "doubtful", "unknown", "not-ours", "no-failure", "error"]
_INNERMOST = 3
"""So many frames of libraries, from the one that failed outwards, are the same in duplicates."""
_MOST_KEYS = 200_000
"""Of different failures that duplicates are looked for among; later new ones are not noted."""
_MOST = 20


class TriagedText(Frozen):
    """A row of `doctor triage --output`: what became of one text."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["triaged-text"]
    """Which document this is."""
    made_by: str
    """The release of doctor and of its matrix, and a digest of the table that causes are weighed by. Rows of different ones are not mixed."""
    id: str
    """Of the text: the address or number of an issue, a file's name, or its place in the corpus."""
    created: str | None
    """When it was written, as the corpus says: `2025-11-29`; None where it does not."""
    outcome: TriageOutcome
    """As `doctor explain` says it of the failure that stands first; `no-failure`: the text shows none; `error`: it could not be explained."""
    cause: str | None
    """The likeliest cause (docs/causes.md); None where none fits."""
    confidence: float | None
    """From 0 to 1; None without a cause."""
    advisory: str | None
    """The known problem that it is a case of; None where no single one is."""
    foreign: str | None
    """Of a failure that is `not-ours`, its kind."""
    stated: Mapping[str, str]
    """Versions that the text states, by package."""
    dated: Mapping[str, str]
    """Versions that its line numbers leave of what it does not state, by package: one, or the first and last of several."""
    labels: tuple[str, ...]
    """As `doctor explain --labels` prints them."""
    question: str | None
    """The name of the fact that would tell its causes apart (docs/causes.md); None where the first is sure, or nothing is known to ask."""
    wanted: tuple[str, ...]
    """What is missing from it: `traceback`, `versions`, `code`, `device-map`."""
    key: str | None
    """The same in duplicates: the cause, or the exception where none is known, and the three innermost library frames. None without frames."""
    duplicate_of: str | None
    """The id of the first text of the corpus with the same key; None for that one, and without a key."""
    contradicts: tuple[str, ...]
    """Advisories of the cause that was found for sure, none of which holds in the versions that are stated: a range may be too narrow."""
    error: str | None
    """Why it could not be explained; None where it was."""


class Count(Frozen):
    """How often something is in the corpus."""

    name: str
    """Of the outcome, the cause or the advisory; or the error's words."""
    count: int
    """Of texts."""


class Period(Frozen):
    """What came in one month, or with one series of releases."""

    name: str
    """`2025-11`, or `transformers 4.51`."""
    texts: int
    """How many there are of it."""
    causes: tuple[Count, ...]
    """Of failures that were explained, the commonest first; at most 20."""


class Cluster(Frozen):
    """Texts of one failure."""

    key: str
    """What they have in common, as in a row."""
    count: int
    """Of texts."""
    first: str
    """The id of the first of them."""


class TriageSummary(Frozen):
    """What a corpus holds: `doctor triage --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["triage"]
    """Which document this is."""
    made_by: str
    """The release of doctor and of its matrix, and a digest of the table that causes are weighed by."""
    texts: int
    """How many the corpus holds."""
    outcomes: tuple[Count, ...]
    """The commonest first."""
    causes: tuple[Count, ...]
    """Of failures that were explained."""
    advisories: tuple[Count, ...]
    """Known problems that failures are cases of."""
    months: tuple[Period, ...]
    """In their order; empty where the corpus has no dates."""
    versions: tuple[Period, ...]
    """By series of transformers, as stated or dated, the commonest first; at most 20."""
    unknown: tuple[Cluster, ...]
    """Failures without a known cause that come more than once, the commonest first; at most 20."""
    duplicates: tuple[Cluster, ...]
    """Failures with a cause that come more than once, the commonest first; at most 20."""
    duplicate_texts: int
    """How many texts have a duplicate before them."""
    contradicted: tuple[Count, ...]
    """Advisories whose cause was found on releases outside of their range."""
    errors: tuple[Count, ...]
    """Why texts could not be explained; at most 20."""


def made_by(matrix: Matrix) -> str:
    """What a row says it was made by."""
    return f"doctor {__version__}, matrix {matrix.version}, causes {table_digest()}"


def failed_row(text_id: str, created: str | None, error: str, matrix: Matrix) -> TriagedText:
    """The row of a text that could not be explained."""
    return _row(text_id, created, matrix, outcome="error", error=error)


def row_of(text_id: str, created: str | None, explained: ExplainedText, matrix: Matrix) -> TriagedText:
    """The row of an explained text."""
    report = explained.explanation
    if report is None:
        return failed_row(text_id, created, explained.error or "", matrix)
    stated, dated = _versions(report.environment)
    blank = _row(text_id, created, matrix, outcome="no-failure", stated=stated, dated=dated)
    if not report.failures:
        return blank
    first = report.failures[0]
    best = first.causes[0] if first.causes else None
    return replace(
        blank,
        outcome=first.outcome,
        cause=best.cause if best is not None and first.outcome != "not-ours" else None,
        confidence=best.confidence if best is not None else None,
        advisory=best.advisory if best is not None else None,
        foreign=first.foreign,
        labels=explained.labels,
        question=first.question.fact if first.question is not None else None,
        wanted=tuple(wanted(report.failures, report.environment)),
        key=_key(first),
        contradicts=tuple(_contradicted(first, report.environment, matrix)),
    )


def _row(
    text_id: str,
    created: str | None,
    matrix: Matrix,
    *,
    outcome: TriageOutcome,
    error: str | None = None,
    stated: Mapping[str, str] | None = None,
    dated: Mapping[str, str] | None = None,
) -> TriagedText:
    return TriagedText(
        schema_version=2,
        document="triaged-text",
        made_by=made_by(matrix),
        id=text_id,
        created=created,
        outcome=outcome,
        cause=None,
        confidence=None,
        advisory=None,
        foreign=None,
        stated=stated or {},
        dated=dated or {},
        labels=(),
        question=None,
        wanted=(),
        key=None,
        duplicate_of=None,
        contradicts=(),
        error=error,
    )


def _versions(environment: Environment) -> tuple[Mapping[str, str], Mapping[str, str]]:
    stated, dated = {}, {}
    for name, each in environment.packages.items():
        if each.source == "frames" or (each.version is None and each.candidates):
            dated[name] = each.version or f"{each.candidates[0]} to {each.candidates[-1]}"
        elif each.version is not None:
            stated[name] = each.version
    return stated, dated


def _key(failure: FailureReport) -> str | None:
    frames = library_frames(failure.frames, _INNERMOST)
    if not frames:
        return None
    sure = failure.outcome == "explained" and failure.causes
    what = failure.causes[0].cause if sure else failure.foreign or (failure.exception or "").rpartition(".")[2] or "a traceback without its end"
    return " < ".join((what, *frames))


def _contradicted(failure: FailureReport, environment: Environment, matrix: Matrix) -> Iterator[str]:
    if failure.outcome != "explained" or failure.causes[0].advisory is not None or failure.causes[0].kind not in ("bug", "incompatibility"):
        return
    cause = next((each for each in matrix.causes if each.name == failure.causes[0].cause), None)
    outside = []
    for name in cause.advisories if cause is not None and failure.causes[0].confidence >= SURE else ():
        advisory = matrix.advisory(name)
        for affected in advisory.affected if advisory is not None else ():
            distribution = environment.packages.get(affected.package)
            version = installed_version(distribution) if distribution is not None else None
            if version is not None and any(version in each for each in affected.ranges):
                return
            outside += [name] if version is not None else []
    yield from dict.fromkeys(outside)


# The summary


class Tally:
    """Takes rows one after another, tells duplicates, and counts; in memory that grows with how many different failures there are."""

    def __init__(self) -> None:
        self._texts = self._duplicates = 0
        self._outcomes, self._causes, self._advisories, self._contradicted, self._errors = (Counter[str]() for _ in range(5))
        self._months: dict[str, Counter[str]] = {}
        self._versions: dict[str, Counter[str]] = {}
        self._clusters: dict[str, tuple[str, int, bool]] = {}
        """By key: the id of the first text, how many there are, whether the cause is known."""

    def first_of(self, key: str | None) -> str | None:
        """The id of the first text with the key; None where there is none yet."""
        return self._clusters[key][0] if key is not None and key in self._clusters else None

    def add(self, row: TriagedText) -> None:
        """Count a row."""
        self._texts += 1
        self._outcomes[row.outcome] += 1
        known = row.outcome == "explained" and row.cause is not None
        if row.error is not None and (row.error in self._errors or len(self._errors) < _MOST):
            self._errors[row.error] += 1
        self._causes.update([str(row.cause)] if known else [])
        self._advisories.update([row.advisory] if known and row.advisory is not None else [])
        self._contradicted.update(set(row.contradicts))
        if row.created is not None:
            self._in(self._months, row.created[:7], str(row.cause) if known else None)
        version = row.stated.get("transformers") or row.dated.get("transformers")
        if version is not None and row.outcome not in ("no-failure", "error"):
            self._in(self._versions, f"transformers {'.'.join(version.split(' ')[0].split('.')[:2])}", str(row.cause) if known else None)
        if row.key is not None and (row.key in self._clusters or len(self._clusters) < _MOST_KEYS):
            first, count, _ = self._clusters.get(row.key, (row.id, 0, known))
            self._duplicates += count > 0
            self._clusters[row.key] = (first, count + 1, row.outcome not in ("unknown", "doubtful"))

    def _in(self, periods: dict[str, Counter[str]], name: str, cause: str | None) -> None:
        counted = periods.setdefault(name, Counter())
        counted[""] += 1
        if cause is not None:
            counted[cause] += 1

    def summary(self, by: str) -> TriageSummary:
        """What was counted."""
        series = sorted(self._versions.items(), key=lambda each: (-each[1][""], each[0]))[:_MOST]
        return TriageSummary(
            schema_version=2,
            document="triage",
            made_by=by,
            texts=self._texts,
            outcomes=_counts(self._outcomes),
            causes=_counts(self._causes),
            advisories=_counts(self._advisories),
            months=tuple(_period(*each) for each in sorted(self._months.items())),
            versions=tuple(_period(*each) for each in series),
            unknown=self._commonest(known=False),
            duplicates=self._commonest(known=True),
            duplicate_texts=self._duplicates,
            contradicted=_counts(self._contradicted),
            errors=_counts(self._errors),
        )

    def _commonest(self, *, known: bool) -> tuple[Cluster, ...]:
        several = [Cluster(key, count, first) for key, (first, count, is_known) in self._clusters.items() if count > 1 and is_known == known]
        return tuple(sorted(several, key=lambda each: (-each.count, each.key))[:_MOST])


def _period(name: str, counted: Mapping[str, int]) -> Period:
    return Period(name, counted[""], _counts({cause: count for cause, count in counted.items() if cause})[:_MOST])


def _counts(counted: Mapping[str, int]) -> tuple[Count, ...]:
    return tuple(Count(name, count) for name, count in sorted(counted.items(), key=lambda each: (-each[1], each[0])))


def summary_lines(summary: TriageSummary) -> Iterator[str]:
    """The summary for a person, the answer first."""
    shares = ", ".join(f"{each.count} {each.name}" for each in summary.outcomes)
    yield f"{summary.texts} texts: {shares or 'none'}; {summary.duplicate_texts} duplicates."
    yield from _block("Causes", (f"{each.count:>7}  {each.name}" for each in summary.causes[:_MOST]))
    yield from _block("Known problems", (f"{each.count:>7}  {each.name}" for each in summary.advisories[:10]))
    yield from _block("Unknown, and more than once", (f"{each.count:>7}  {each.key}  (first: {each.first})" for each in summary.unknown[:10]))
    yield from _block("Duplicates", (f"{each.count:>7}  {each.key}  (first: {each.first})" for each in summary.duplicates[:10]))
    yield from _block("Over time", (f"{each.texts:>7}  {each.name}  {_some(each.causes)}" for each in summary.months[-12:]))
    yield from _block("By release", (f"{each.texts:>7}  {each.name}  {_some(each.causes)}" for each in summary.versions[:10]))
    yield from _block("Found outside of their ranges", (f"{each.count:>7}  {each.name}" for each in summary.contradicted[:10]))
    yield from _block("Could not be explained", (f"{each.count:>7}  {each.name}" for each in summary.errors[:10]))


def _block(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from ("", title, *(each.rstrip() for each in found))


def _some(causes: Sequence[Count]) -> str:
    return ", ".join(f"{each.name} {each.count}" for each in causes[:3])
