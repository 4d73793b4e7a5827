"""A diagnosis in one sentence, in counts, and in a few lines for a person who prints it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from doctor.diagnosis.finding import CONCERNS, SEVERITIES, Finding
from doctor.facts.environment import STACK
from doctor.facts.frozen import Frozen

if TYPE_CHECKING:
    from doctor.diagnosis.diagnosis import Diagnosis

Outcome = Literal["ok", "problem", "unsure"]
"""`problem`: something counts (exit code 1); `unsure`: a fact was missing that could have changed the answer (2); `ok`: neither (0)."""
SIGNS: Mapping[Outcome, str] = {"ok": "[ok]", "problem": "[!!]", "unsure": "[??]"}
"""What stands before a verdict, the same with and without colour."""


class Verdict(Frozen):
    """What came of it, in one sentence."""

    outcome: Outcome
    """As the exit code has it."""
    sentence: str
    """For people."""


class Summary(Frozen):
    """How many findings there are of each kind; what its reproducer cleared is not among them."""

    concerns: Mapping[str, int]
    """By whom they concern."""
    severities: Mapping[str, int]
    """By severity."""
    counted: int
    """Those that make the check fail."""
    waived: int
    """Those that would, but are ignored or stand in the baseline."""


def summary_of(diagnosis: Diagnosis) -> Summary:
    """The counts of a diagnosis."""
    held = [each for each in diagnosis.findings if each.status != "cleared"]
    concerns, severities = Counter(each.concerns for each in held), Counter(each.severity for each in held)
    return Summary(
        concerns={each: concerns[each] for each in CONCERNS},
        severities={each: severities[each] for each in SEVERITIES},
        counted=len(diagnosis.counted),
        waived=sum(each.waived is not None and diagnosis.policy.concerns(each) for each in held),
    )


def verdict_of(diagnosis: Diagnosis) -> Verdict:
    """What came of a diagnosis."""
    counted = diagnosis.counted
    stated = diagnosis.environment.read_from is not None
    where = "the environment that this text states" if stated else "this environment"
    if counted:
        return Verdict("problem", _problem(counted, where))
    important = [each.reason for each in diagnosis.unknown if each.important]
    if important and not any(diagnosis.environment.installed(name) for name in STACK):
        said = next((each.reason for each in diagnosis.unknown if each.fact == "python"), important[-1])
        return Verdict("unsure", f"{said[0].upper()}{said[1:]}")
    if important:
        return Verdict("unsure", f"Nothing wrong was found with {where}, but a fact is missing: {important[0]}.")
    program = diagnosis.program
    if program is None:
        return Verdict("ok", f"Nothing is wrong with {where}.")
    unread = [each for each in program.unread if each.line == 0]
    if unread:
        return Verdict("unsure", f"Nothing wrong was found with {where} and this program, but {_things(len(unread), 'file')} could not be read.")
    possible = sum(each.concerns == "possible-use" for each in diagnosis.findings)
    meets = f"for certain, but may meet {possible}: the code alone does not say" if possible else ""
    sentence = f"Nothing is wrong with {where}, and this program ({_things(program.files, 'file')}) meets no known problem of it {meets}"
    return Verdict("ok", f"{sentence.rstrip()}.")


def _problem(counted: tuple[Finding, ...], where: str) -> str:
    of_environment = sum(each.concerns == "environment" for each in counted)
    of_program = sum(each.concerns == "program" for each in counted)
    others = len(counted) - of_environment - of_program
    parts = [
        f"{_things(of_environment, 'thing')} {_is(of_environment)} wrong with {where}" if of_environment else "",
        f"{_things(of_program, 'known problem')} of these versions {'is' if of_program == 1 else 'are'} met by this program" if of_program else "",
        f"{_things(others, 'known trap')} {'lies' if others == 1 else 'lie'} in these releases, and all count" if others else "",
    ]
    return "; ".join(part for part in parts if part) + "."


def _things(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def exposures_sentence(summary: Summary) -> str:
    """What is known of these releases and concerns nobody as far as was shown; empty when there is nothing."""
    count = summary.concerns["exposure"] + summary.concerns["possible-use"]
    if count == 1:
        return "1 known trap lies in these releases and bites only what uses it."
    return f"{count} known traps lie in these releases and bite only what uses them." if count else ""


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    verdict = verdict_of(diagnosis)
    yield f"{SIGNS[verdict.outcome]} {verdict.sentence}"
    yield from (f"{each.id} {each.severity}: {each.title}. {each.remedy}" for each in diagnosis.counted)
    if exposures := exposures_sentence(summary_of(diagnosis)):
        yield exposures


def as_text(diagnosis: Diagnosis) -> str:
    """A few lines: what came of it, what counts, how much else there is."""
    return "\n".join(_lines(diagnosis))


def as_html(diagnosis: Diagnosis) -> str:
    """The same for a notebook."""
    from html import escape

    first, *rest = map(escape, _lines(diagnosis))
    return f"<div><strong>{first}</strong><ul>{''.join(f'<li>{line}</li>' for line in rest)}</ul></div>"
