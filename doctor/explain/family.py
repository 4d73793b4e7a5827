"""Whether a failure is of the family at all, whether a text tells of one in words only, and the harmful advice it holds."""

from __future__ import annotations

import re

from doctor.explain.causes import Known, class_name, concerns, message_holds, says_the_same
from doctor.explain.explanation import NOT_OURS, SURE, Clues, LikelyCause
from doctor.facts.symptom import Failure
from doctor.knowledge.family import Foreign, KnownMessage
from doctor.knowledge.matrix import Matrix

OTHER = "other"
"""The kind of a failure that is not of the family, and of no kind the matrix knows."""
_BY_KIND, _BY_SILENCE = 0.95, 0.8
"""How sure: the failure says what it is; or nothing anywhere speaks for the family."""


def known_message(failure: Failure, clues: Clues, matrix: Matrix) -> KnownMessage | None:
    """What the matrix knows of the failure's message, or of the one that a text without any tells of in words."""
    for known in matrix.messages:
        if message_holds(known.message, failure) if failure.message else any(clues.holds(pattern) for pattern in known.told):
            return known
    return None


def foreign_cause(failure: Failure, causes: tuple[LikelyCause, ...], clues: Clues, known: Known) -> tuple[str, LikelyCause] | None:
    """The kind of a failure that is not of the family, and that as its cause; None for one that is, or may be.

    A failure that says itself what it is stays that, whatever is used around it; one of no known kind is foreign only where nothing
    in the text speaks for the family.
    """
    if (causes and causes[0].confidence >= SURE) or _is_ours(failure, clues, known):
        return None
    kind = next((each for each in known.matrix.foreign if _fits(each, failure, clues)), None)
    if kind is not None:
        because = f"the failure says so itself: {failure.exception}" if failure.exception else "the text says so"
        return kind.name, _cause(kind.kind, kind.title, _BY_KIND, because, kind.remedy)
    if causes or not failure.exception or not _is_elsewhere(failure, clues, known.matrix):
        return None
    because = "nothing in the text speaks of tensors on meta, of offloading or of what puts weights there"
    return OTHER, _cause("misuse", "It is of no kind that doctor knows", _BY_SILENCE, because, "Look at the line it was raised at.")


def _cause(kind: str, title: str, confidence: float, because: str, remedy: str) -> LikelyCause:
    return LikelyCause(
        cause=NOT_OURS,
        kind=kind,
        title=title,
        advisory=None,
        confidence=confidence,
        because=(because,),
        remedy=remedy,
        avoid=None,
        upgrade=None,
        settle="whether the text leaves out a failure that came before this one",
        references=(),
    )


def _is_ours(failure: Failure, clues: Clues, known: Known) -> bool:
    """Whether the text names the family, or the failure looks as a known problem does."""
    if any(clues.holds(pattern) or message_holds(pattern, failure) for pattern in known.matrix.family.named):
        return True
    return any(
        says_the_same(each.signature, failure) and concerns(each, failure, known) for each in known.matrix.advisories if each.signature is not None
    )


def _is_elsewhere(failure: Failure, clues: Clues, matrix: Matrix) -> bool:
    """Whether a failure has nothing to do with what doctor knows: raised outside the stack, or, without frames, in a text that never names it."""
    if any(clues.holds(pattern) for pattern in matrix.family.near):
        return False
    if any(message_holds(pattern, failure) for pattern in matrix.family.around):
        return False
    if failure.frames:
        folders = failure.frames[-1].file.split("/")[:-1]
        return not any(name.replace("-", "_") in folders for name in matrix.packages)
    return not any(clues.holds(pattern) for pattern in matrix.family.around)


def _fits(kind: Foreign, failure: Failure, clues: Clues) -> bool:
    """By its exception or its message; where the text shows neither, by the text's words."""
    if not failure.exception and not failure.message:
        return kind.message is not None and clues.holds(kind.message)
    return class_name(failure.exception or "") in kind.exception or (kind.message is not None and message_holds(kind.message, failure))


def tells_of_a_failure(clues: Clues, matrix: Matrix) -> bool:
    """Whether a text that shows no failure tells of one of the family: it names the family, what is used there, and that it fails."""
    family = matrix.family
    harmful = any(clues.holds(each.pattern) for each in matrix.advice)
    named = any(clues.holds(pattern) for pattern in family.named)
    near = harmful or any(clues.holds(pattern) for pattern in family.near)
    return named and near and (harmful or any(clues.holds(pattern) for pattern in family.failing))


def warnings(clues: Clues, matrix: Matrix) -> tuple[str, ...]:
    """At most one: the clearest place."""
    return tuple(f"Line {clues.found[each.pattern]}: {each.says}" for each in matrix.advice if clues.holds(each.pattern))[:1]


def advisory_mentions(matrix: Matrix) -> dict[str, str]:
    """The messages of advisories as patterns, which find them where no exception stands before them."""
    return {
        re.escape(advisory.signature.message.lower()): advisory.signature.message
        for advisory in matrix.advisories
        if advisory.signature is not None and advisory.signature.message is not None and len(advisory.signature.message) >= 20
    }
