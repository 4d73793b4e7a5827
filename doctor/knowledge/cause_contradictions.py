"""What no schema can see of the causes and of what stands beside them: patterns that would do harm, references to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from doctor.knowledge.cause import Cause, Edit, Observation, Sign
from doctor.knowledge.fact import Fact
from doctor.knowledge.family import FAMILY_KEYS, Advice, Family, Foreign, KnownMessage
from doctor.knowledge.schema import Mismatch, Path, shown

_MAX_SPECIFIER_CHARACTERS = 200
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def explaining_contradictions(
    *,
    causes: Sequence[Cause],
    observations: Sequence[Observation],
    family: Family,
    facts: Sequence[Fact],
    messages: Sequence[KnownMessage],
    advice: Sequence[Advice],
    foreign: Sequence[Foreign],
    ids: Iterable[str],
) -> Iterator[Mismatch]:
    """The faults of everything that `doctor explain` goes by; `ids` are those of the advisories there are."""
    known = set(ids)
    for position, cause in enumerate(causes):
        yield from _cause_contradictions(cause, known, ("causes", position))
    for position, observation in enumerate(observations):
        yield from _pattern_faults(observation.text, ("observations", position, "text"))
    for key in FAMILY_KEYS:
        yield from _pattern_faults(getattr(family, key), ("family", key))
    names = {cause.name for cause in causes}
    for position, fact in enumerate(facts):
        if fact.name in {each.name for each in facts[:position]}:
            yield Mismatch(("facts", position, "name"), f"{fact.name} is there already")
        yield from _fact_contradictions(fact, names, ("facts", position))
    for position, message in enumerate(messages):
        yield from _message_contradictions(message, names, {fact.name for fact in facts}, ("messages", position))
    for position, each in enumerate(advice):
        yield from _advice_contradictions(each, {other.name for other in advice[:position]}, known, ("advice", position))
    for position, kind in enumerate(foreign):
        yield from _pattern_faults((kind.message,) if kind.message else (), ("foreign", position, "message"))
        if not (kind.message or kind.exception):
            yield Mismatch(("foreign", position), "needs a message or an exception")


def _advice_contradictions(advice: Advice, before: set[str], ids: set[str], here: Path) -> Iterator[Mismatch]:
    if advice.name in before:
        yield Mismatch((*here, "name"), f"{advice.name} is there already")
    for index, advisory in enumerate(advice.advisories):
        if advisory not in ids:
            yield Mismatch((*here, "advisories", index), f"{advisory} is not an advisory of this matrix")
    for index, form in enumerate(advice.forms):
        yield from _pattern_faults((form.pattern,), (*here, "forms", index, "pattern"))


def _cause_contradictions(cause: Cause, ids: set[str], here: Path) -> Iterator[Mismatch]:
    for index, advisory in enumerate(cause.advisories):
        if advisory not in ids:
            yield Mismatch((*here, "advisories", index), f"{advisory} is not an advisory of this matrix")
    for index, advisory in enumerate(cause.told_by_version):
        if advisory not in cause.advisories:
            yield Mismatch((*here, "told_by_version", index), f"{advisory} is not one of the advisories of this cause")
    for index, sign in enumerate(cause.signs):
        yield from _sign_contradictions(sign, cause, (*here, "signs", index))
    for index, edit in enumerate(cause.edits):
        yield from _edit_contradictions(edit, (*here, "edits", index))


def _sign_contradictions(sign: Sign, cause: Cause, here: Path) -> Iterator[Mismatch]:
    if sign.advisory is not None and sign.advisory not in cause.advisories:
        yield Mismatch((*here, "advisory"), f"{sign.advisory} is not one of the advisories of this cause")
    if not (sign.message or sign.frames or sign.text):
        yield Mismatch(here, "needs a message, frames or text")
    yield from _pattern_faults((sign.message,) if sign.message else (), (*here, "message"))
    yield from _pattern_faults(sign.text, (*here, "text"))
    yield from _pattern_faults(sign.without_text, (*here, "without_text"))
    for number, specifier in enumerate(sign.packages):
        if not _is_specifier(specifier):
            yield Mismatch((*here, "packages", number), f"{shown(specifier)} is not a requirement such as 'transformers>=5.0.0'")


def _is_specifier(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text) if len(text) <= _MAX_SPECIFIER_CHARACTERS else None
    except (InvalidRequirement, RecursionError):
        return False
    return requirement is not None and not (requirement.marker or requirement.url or requirement.extras)


def _edit_contradictions(edit: Edit, here: Path) -> Iterator[Mismatch]:
    yield from _pattern_faults((edit.line,) if edit.line else (), (*here, "line"))
    named = set(_PLACEHOLDER.findall(edit.says))
    for unknown in sorted(named - {"place", "call"}):
        yield Mismatch((*here, "says"), f"{{{unknown}}} cannot be filled in; {{place}} and {{call}} can")
    if "call" in named and edit.line is None:
        yield Mismatch((*here, "says"), "{call} is what `line` finds: give a `line`")


def _message_contradictions(message: KnownMessage, names: set[str], facts: set[str], here: Path) -> Iterator[Mismatch]:
    yield from _pattern_faults((message.message,), (*here, "message"))
    yield from _pattern_faults(message.told, (*here, "told"))
    for name in message.usual:
        if name not in names:
            yield Mismatch((*here, "usual", name), f"{name} is not a cause of this matrix")
    if message.fact not in facts:
        yield Mismatch((*here, "fact"), f"{message.fact} is not a fact of this matrix")


def _fact_contradictions(fact: Fact, names: set[str], here: Path) -> Iterator[Mismatch]:
    values = [answer.value for answer in fact.answers]
    for index, answer in enumerate(fact.answers):
        if answer.value in values[:index]:
            yield Mismatch((*here, "answers", index, "value"), f"{answer.value} stands for another answer as well")
        for key, causes in (("causes", answer.causes), ("excludes", answer.excludes)):
            for name in causes:
                if name not in names:
                    yield Mismatch((*here, "answers", index, key), f"{name} is not a cause of this matrix")
        yield from _pattern_faults((answer.match,) if answer.match else (), (*here, "answers", index, "match"))


def _pattern_faults(patterns: Iterable[str], here: Path) -> Iterator[Mismatch]:
    from doctor.knowledge.pattern import pattern_fault

    for pattern in patterns:
        if (fault := pattern_fault(pattern)) is not None:
            yield Mismatch(here, f"{shown(pattern)}: {fault}")
