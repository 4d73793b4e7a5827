"""An explanation as maintainers use it: a reply to post under a report, and the labels the report would get. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.explain.brief import certainty, short_headline
from doctor.explain.explanation import LikelyCause
from doctor.explain.places import short_place
from doctor.reports.explanation import ExplanationReport, FailureReport, wanted
from doctor.reports.markdown import code, fenced, plain

_MOST = 4
"""Of several causes so many are named."""
_SURE_ENOUGH = 0.95
"""From this confidence on nothing is asked for that would make sure."""


def labels_of(report: ExplanationReport) -> tuple[str, ...]:
    """`cause:offload-then-move`, `kind:resource`, `advisory:MT072`; `cause:unknown`; `not-ours`; and `needs:` what is missing.

    They are of the failure that stands first. Empty where the text shows none.
    """
    if not report.failures:
        return ()
    first = report.failures[0]
    if first.outcome == "not-ours":
        return ("not-ours", f"not-ours:{first.foreign}")
    labels = ["cause:unknown"]
    if first.outcome == "explained":
        best = first.causes[0]
        labels = [f"cause:{best.cause}", f"kind:{best.kind}", *([f"advisory:{best.advisory}"] if best.advisory else [])]
    return (*labels, *(f"needs:{name}" for name in wanted(report.failures, report.environment)))


def triage_reply(report: ExplanationReport) -> str:
    """The reply, in Markdown: the cause, why, what to do, what is missing from the report, and where the same was reported."""
    blocks = [list(block) for block in _reply(report)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _reply(report: ExplanationReport) -> Iterator[Iterator[str]]:
    if not report.failures:
        yield iter(["The text shows no failure: no traceback, no message of one, and nothing that tells of weights without values."])
        yield _warned(report)
        yield _footer(report)
        return
    first = report.failures[0]
    yield _where(first)
    yield _verdict(first)
    yield _why(first)
    yield _to_do(first)
    yield _warned(report)
    yield _asked(first)
    yield _wanted(report)
    yield _known(first)
    yield _others(report)
    yield _footer(report)


# Parts


def _where(failure: FailureReport) -> Iterator[str]:
    said = code(short_headline(failure.exception, failure.message, has_frames=bool(failure.frames)))
    if failure.exception or failure.message:
        yield f"{said}, at {code(short_place(failure.place))}" if failure.place is not None else said


def _verdict(failure: FailureReport) -> Iterator[str]:
    best = failure.causes[0] if failure.causes else None
    if best is None:
        yield "**The text does not tell the cause**, and nothing that is known fits."
    elif failure.outcome == "not-ours":
        yield f"**This is not a meta-tensor failure: {plain(best.title)}.**"
    elif failure.outcome == "explained":
        yield f"**{plain(best.title)}** ({_name(best)}, {certainty(best.confidence)})."
    elif best.basis == "frequency":
        yield f"**The text does not tell the cause.** {_said(failure.means or '')}".rstrip()
    else:
        yield "**The text does not tell the cause for sure.** It may be:"
        yield ""
        yield from (f"- {cause.confidence:.0%}: {plain(cause.title)} ({_name(cause)})" for cause in failure.causes[:_MOST])


def _why(failure: FailureReport) -> Iterator[str]:
    best = failure.causes[0] if failure.causes else None
    if best is not None and best.basis == "signs":
        yield "Why:"
        yield ""
        yield from (f"- {plain(each)}" for each in best.because)


def _to_do(failure: FailureReport) -> Iterator[str]:
    best = failure.causes[0] if failure.causes else None
    if best is None or failure.outcome not in ("explained", "not-ours"):
        return
    yield "What to do:"
    yield ""
    if best.edit:
        yield f"- {_said(best.edit)}"
    yield f"- {_said(best.remedy)}"
    if best.upgrading:
        yield f"- Upgrade: {_said(best.upgrading.removeprefix('Upgrade '))}"
    avoid = failure.avoid or best.avoid
    if avoid:
        yield f"- Never: {_said(avoid)}"


def _warned(report: ExplanationReport) -> Iterator[str]:
    yield from (f"Careful. {plain(each)}" for each in report.warnings)


def _asked(failure: FailureReport) -> Iterator[str]:
    """The one question that tells the causes apart."""
    question = failure.question
    if question is not None:
        yield _said(question.ask)
        if question.run is not None:
            yield ""
            yield from fenced(question.run, "python")
        yield ""
        yield from (f"- {_said(each.seen)}: {_said(each.says)}" for each in question.answers)
    elif failure.causes and failure.outcome != "not-ours" and failure.causes[0].confidence < _SURE_ENOUGH:
        yield f"To make sure: {_said(failure.causes[0].settle)}"


def _wanted(report: ExplanationReport) -> Iterator[str]:
    missing = wanted(report.failures, report.environment)
    if missing:
        yield "Missing from the report:"
        yield ""
        yield from (f"- [ ] {plain(each)}" for each in missing.values())


def _known(failure: FailureReport) -> Iterator[str]:
    best = failure.causes[0] if failure.causes else None
    if best is None or failure.outcome != "explained" or not best.references:
        return
    yield f"Known as {best.advisory}; reported before in:" if best.advisory else "Reported or explained before in:"
    yield ""
    yield from (f"- {each}" for each in best.references)


def _others(report: ExplanationReport) -> Iterator[str]:
    count = len(report.failures) - 1
    if count:
        yield f"The text holds {count} more failure{'s' if count > 1 else ''}; this is about the one that is surest explained."


def _footer(report: ExplanationReport) -> Iterator[str]:
    yield f"<sub>Found by meta-tensor-doctor {report.doctor_version} from what stands in the report; nothing was run. It can be wrong.</sub>"


def _said(text: str) -> str:
    """Words of doctor's own: what stands in back-quotes is code."""
    parts = text.split("`")
    whole = len(parts) % 2 == 1
    return "".join(code(part) if number % 2 else plain(part) for number, part in enumerate(parts)) if whole else plain(text)


def _name(cause: LikelyCause) -> str:
    return code(cause.cause) + (f", {cause.advisory}" if cause.advisory else "")
