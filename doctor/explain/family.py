"""Whether a failure is of the family at all, whether a text tells of one in words only, and the wrong advice it holds."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from doctor.explain.causes import WORTH_SAYING, Judgement, Known, concerns, fits, message_holds, says_little_else, says_the_same
from doctor.explain.explanation import NOT_OURS, SURE, Clues, LikelyCause
from doctor.facts.symptom import Failure
from doctor.knowledge.family import Advice, Foreign, KnownMessage
from doctor.knowledge.matrix import Matrix

OTHER = "other"
"""The kind of a failure that is not of the family, and of no kind the matrix knows."""
_MOST_WARNINGS = 3
_LEAST_TOLD = 20
"""A shorter message may stand in a text by chance."""
_OF_NO_KIND, _LOOK = "It is of no kind that doctor knows", "Look at the line it was raised at."
_BY_KIND, _BY_SILENCE = 0.95, 0.8
"""How sure: the failure says what it is; or nothing anywhere speaks for the family."""


def known_message(failure: Failure, clues: Clues, matrix: Matrix) -> KnownMessage | None:
    """What the matrix knows of the failure's message, or of the one that a text without any tells of in words."""
    for known in matrix.messages:
        if message_holds(known.message, failure) if failure.message else any(clues.holds(pattern) for pattern in known.told):
            return known
    return None


def foreign_cause(failure: Failure, judgement: Judgement, clues: Clues, known: Known) -> tuple[str, LikelyCause] | None:
    """The kind of a failure that is not of the family, and that as its cause; None for one that is, or may be.

    A failure that says itself what it is stays that, whatever is used around it; one of no known kind is foreign where what was seen
    says so, or where nothing in the text speaks for the family.
    """
    causes = judgement.causes
    kind = _foreign_kind(failure, clues, known)
    ours = _is_ours(failure, clues, known)
    if kind is not None and not ours and not judgement.proven:
        because = f"the failure says so itself: {failure.exception}" if failure.exception else "the text says so"
        return kind.name, _cause(kind.kind, kind.title, _BY_KIND, (because,), kind.remedy)
    if causes and causes[0].confidence >= SURE:
        return None
    if judgement.foreign >= SURE and (_may_be_foreign(failure, clues, known) or not (causes or (ours and says_little_else(failure, clues)))):
        return kind.name if kind is not None else OTHER, _perhaps(judgement, kind)
    if ours or causes or not failure.exception or not _is_elsewhere(failure, clues, known.matrix):
        return None
    because = "nothing in the text speaks of tensors on meta, of offloading or of what puts weights there"
    return OTHER, _cause("misuse", _OF_NO_KIND, _BY_SILENCE, (because,), _LOOK)


def perhaps_foreign(failure: Failure, judgement: Judgement, clues: Clues, known: Known) -> LikelyCause | None:
    """That the failure is not of the family, as one of the causes it may have; None where that is not worth saying."""
    if not WORTH_SAYING <= judgement.foreign < SURE or not _may_be_foreign(failure, clues, known):
        return None
    return _perhaps(judgement, _foreign_kind(failure, clues, known))


def _foreign_kind(failure: Failure, clues: Clues, known: Known) -> Foreign | None:
    """The first kind of failure, not of the family, that it says itself to be."""
    return next((each for each in known.matrix.foreign if fits(each, failure, clues)), None)


def _may_be_foreign(failure: Failure, clues: Clues, known: Known) -> bool:
    silent = not failure.message and any(clues.holds(pattern) for pattern in known.matrix.family.silent)
    return not (silent or says_little_else(failure, clues) or _looks_like_ours(failure, known))


def _perhaps(judgement: Judgement, kind: Foreign | None) -> LikelyCause:
    confidence = min(round(judgement.foreign, 2), _BY_KIND)
    if kind is not None:
        return _cause(kind.kind, kind.title, confidence, judgement.because, kind.remedy)
    return _cause("misuse", _OF_NO_KIND, confidence, judgement.because, _LOOK)


def _cause(kind: str, title: str, confidence: float, because: tuple[str, ...], remedy: str) -> LikelyCause:
    return LikelyCause(
        cause=NOT_OURS,
        kind=kind,
        title=title,
        advisory=None,
        confidence=confidence,
        because=because,
        remedy=remedy,
        avoid=None,
        upgrade=None,
        settle="whether the text leaves out a failure that came before this one",
        references=(),
    )


def _is_ours(failure: Failure, clues: Clues, known: Known) -> bool:
    """Whether the text names the family, or the failure looks as one of it."""
    return any(clues.holds(pattern) for pattern in known.matrix.family.named) or _looks_like_ours(failure, known)


def _looks_like_ours(failure: Failure, known: Known) -> bool:
    """Whether the failure's own message names the family, or is a known problem's."""
    if any(message_holds(pattern, failure) for pattern in known.matrix.family.named):
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


def tells_of_a_failure(clues: Clues, matrix: Matrix) -> bool:
    """Whether a text that shows no failure tells of one of the family: it names the family, what is used there, and that it fails; or what
    is enough by itself, such as a load report that misses weights."""
    family = matrix.family
    if any(clues.holds(pattern) for pattern in family.silent):
        return True
    harmful = any(clues.holds(form.pattern) for advice in matrix.advice if advice.harm == "destroys" for form in advice.forms)
    named = any(clues.holds(pattern) for pattern in family.named)
    near = harmful or any(clues.holds(pattern) for pattern in family.near)
    return named and near and (harmful or any(clues.holds(pattern) for pattern in family.failing))


def complains(clues: Clues, matrix: Matrix, *, surely: bool) -> bool:
    """Whether a text speaks of what doctor knows, and of something that is not as it should be: the second goes without saying where its
    cause is known `surely`."""
    family = matrix.family
    return any(map(clues.holds, (*family.subject, *family.named, *family.near))) and (surely or _is_bad(clues, matrix))


def fails_around(clues: Clues, matrix: Matrix) -> bool:
    """Whether a text speaks of models at all, and of something that is not as it should be."""
    return any(map(clues.holds, matrix.family.around)) and _is_bad(clues, matrix)


def _is_bad(clues: Clues, matrix: Matrix) -> bool:
    return any(map(clues.holds, (*matrix.family.failing, *matrix.family.wrong)))


def warnings(clues: Clues, matrix: Matrix, *, ours: bool) -> tuple[str, ...]:
    """The wrong advice a text holds, each at its clearest place. What destroys no weights is wrong only where a failure is of the family (`ours`)."""
    said = (_said(advice, clues) for advice in matrix.advice if ours or advice.harm == "destroys")
    return tuple(each for each in said if each is not None)[:_MOST_WARNINGS]


def _said(advice: Advice, clues: Clues) -> str | None:
    return next((f"Line {clues.found[form.pattern]}: {form.says}" for form in advice.forms if clues.holds(form.pattern)), None)


def advisory_mentions(matrix: Matrix) -> Mapping[str, str]:
    """The messages of advisories as patterns, which find them where no exception stands before them."""
    signatures = (advisory.signature for advisory in matrix.advisories)
    return _as_patterns(tuple(each.message for each in signatures if each is not None and each.message is not None))


@functools.lru_cache(maxsize=8)
def _as_patterns(messages: tuple[str, ...]) -> Mapping[str, str]:
    return {re.escape(message.lower()): message for message in messages if len(message) >= _LEAST_TOLD}
