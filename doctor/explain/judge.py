"""From the failures and clues of a text to its explanation: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from doctor.explain.causes import LEAST_TOLD, LEAST_UNTOLD, PROVEN, Known, by_signs, judged, says_little_else, says_something, usual_causes
from doctor.explain.explanation import ANSWERED, SURE, Clues, ExplainedFailure, Explanation
from doctor.explain.family import (
    OTHER,
    advisory_mentions,
    complains,
    fails_around,
    foreign_cause,
    known_message,
    perhaps_foreign,
    tells_of_a_failure,
    warnings,
)
from doctor.explain.places import own_frame
from doctor.explain.questions import question_for
from doctor.facts.symptom import Failure
from doctor.knowledge.matrix import Matrix
from doctor.readers.public_names import without_own_places

_WITHOUT_COMPLAINT = 0.8
"""So sure of a cause a text has to make for it to tell of a failure although nothing in it is said to be wrong."""


def text_patterns(matrix: Matrix) -> set[str]:
    """Every pattern that is to be looked for in the whole text."""
    signs = [sign for cause in matrix.causes for sign in cause.signs]
    patterns = {pattern for sign in signs for pattern in (*sign.text, *sign.without_text)}
    patterns |= {sign.message for sign in signs if sign.message is not None} | set(advisory_mentions(matrix))
    family = matrix.family
    patterns |= {*family.named, *family.near, *family.around, *family.subject, *family.failing, *family.wrong, *family.silent}
    patterns |= {form.pattern for advice in matrix.advice for form in advice.forms}
    patterns |= {pattern for each in matrix.observations for pattern in each.text}
    patterns |= {kind.message for kind in matrix.foreign if kind.message is not None}
    return patterns | {pattern for known in matrix.messages for pattern in known.told} | matrix.answer_signs.keys()


def explain(failures: Sequence[Failure], clues: Clues, known: Known, ranks: tuple[int, ...] = ()) -> Explanation:
    """What caused each of the failures of a text. A text that only tells of a failure has one as well, without frames."""
    explained: list[ExplainedFailure] = []
    for failure in _with_mentions(joined_failures(failures), clues, known.matrix):
        explained += _by_process(failure, clues, known)
    if not explained and (described := _described(clues, known)) is not None:
        explained = [described]
    explained.sort(key=_order)
    everything = Clues(
        {**{pattern: line for found in clues.by_process.values() for pattern, line in found.items()}, **clues.found}, program=clues.program
    )
    ours = any(each.foreign is None for each in explained)
    return Explanation(tuple(explained), known.environment, warnings(everything, known.matrix, ours=ours), ranks)


def _order(each: ExplainedFailure) -> tuple[bool, bool, bool, int, float]:
    """Those of the family before all others, those that are sure before the rest, what more ranks met before what fewer did."""
    frequency = bool(each.causes) and each.causes[0].basis == "frequency"
    return each.foreign is not None, not each.sure, frequency, -len(each.failure.ranks), -each.causes[0].confidence if each.causes else 0.0


def _explained(failure: Failure, clues: Clues, known: Known) -> ExplainedFailure:
    place, whole = own_frame(failure.frames), failure
    failure = without_own_places(failure)
    judgement = judged(failure, clues, known, place)
    causes = judgement.causes
    foreign = foreign_cause(failure, judgement, clues, known)
    if foreign is not None:
        return ExplainedFailure(whole, (foreign[1],), place, foreign=foreign[0])
    message = known_message(failure, clues, known.matrix)
    bare = not (judgement.told or failure.frames) and says_little_else(failure, clues)
    answered = any(case.answered for case in judgement.cases.values())
    if bare and answered:  # there are no words to weigh beside the answers
        causes = by_signs(judgement.cases, known, place)
    elif (perhaps := perhaps_foreign(failure, judgement, clues, known)) is not None:
        causes = tuple(sorted((*causes, perhaps), key=lambda each: -each.confidence))
    sure = bool(causes) and causes[0].confidence >= SURE
    untold = bare or not causes or causes[0].confidence < LEAST_TOLD
    if message is not None and not sure and (not causes or (untold and not answered)):
        causes = usual_causes(message, known.matrix)
    question = None if sure else question_for(causes, message, known.matrix, known.answered)
    return ExplainedFailure(whole, causes, place, message, question)


# Processes


def _by_process(failure: Failure, clues: Clues, known: Known) -> list[ExplainedFailure]:
    """The failure explained for each process by its own lines; processes that come to the same stand together."""
    if not failure.scopes or not clues.by_process:
        return [_explained(failure, clues, known)]
    alike: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for process in failure.scopes:
        own = clues.of(process)
        alike.setdefault((frozenset(own.found), own.words[None]), []).append(process)
    groups: dict[tuple[bool, str | None], tuple[ExplainedFailure, list[str]]] = {}
    for processes in alike.values():
        explained = _explained(failure, clues.of(processes[0]), known)
        groups.setdefault((explained.sure, explained.causes[0].cause if explained.causes else None), (explained, []))[1].extend(processes)
    if len(groups) == 1:
        return [explained for explained, _ in groups.values()]
    return [replace(explained, failure=_of(processes, failure)) for explained, processes in groups.values()]


def _of(processes: Sequence[str], failure: Failure) -> Failure:
    return replace(
        failure,
        ranks=tuple(each for each in failure.ranks if str(each) in processes),
        processes=tuple(each for each in failure.processes if each in processes),
        count=len(processes),
    )


# Failures


def joined_failures(failures: Sequence[Failure]) -> list[Failure]:
    """The failures, with a message that stands apart (in a title, say) given to the traceback that was cut before its own."""
    whole = [each for each in failures if each.frames]
    alone = [each for each in failures if not each.frames]
    whole = [each if each.exception else _completed(each, alone) for each in whole]
    alone = [each for each in alone if not any(_same_failure(each, other) for other in whole)]
    distinct: list[Failure] = []
    for each in sorted(alone, key=lambda each: -len(each.message)):
        if not any(_same_failure(each, other) for other in distinct):
            distinct.append(each)
    return sorted([*whole, *distinct], key=lambda each: each.line)


def _completed(cut: Failure, alone: Sequence[Failure]) -> Failure:
    said = max((each for each in alone if _may_be_of_one_process(cut, each)), key=lambda each: len(each.message), default=None)
    return cut if said is None else replace(cut, exception=said.exception, message=said.message)


def _same_failure(one: Failure, other: Failure) -> bool:
    """Whether two say the same, one of them perhaps cut short."""
    length = min(len(one.message), len(other.message), 30)
    return one.exception == other.exception and one.message[:length] == other.message[:length] and _may_be_of_one_process(one, other)


def _may_be_of_one_process(one: Failure, other: Failure) -> bool:
    return not (one.scopes and other.scopes) or not set(one.scopes).isdisjoint(other.scopes)


def _with_mentions(failures: list[Failure], clues: Clues, matrix: Matrix) -> list[Failure]:
    if any(each.message for each in failures):
        return failures
    for pattern, message in advisory_mentions(matrix).items():
        if clues.holds(pattern):
            said = Failure(None, message, (), clues.found[pattern])
            return [replace(each, message=said.message) for each in failures] or [said]
    return failures


def _described(clues: Clues, known: Known) -> ExplainedFailure | None:
    """A failure that a text tells of in words only, when its words make a case, or speak of the family and of failing."""
    untold = Failure(None, "", (), min((line for line in clues.found.values() if line != ANSWERED), default=1))
    explained = _explained(untold, clues, known)
    if tells_of_a_failure(clues, known.matrix):
        return explained
    if not explained.causes:
        return None
    first, wordy = explained.causes[0], not says_little_else(untold, clues)
    says_so = explained.foreign not in (None, OTHER) or first.advisory is not None or first.confidence >= PROVEN
    tells = (
        first.confidence >= LEAST_UNTOLD
        and says_something(clues)
        and complains(clues, known.matrix, surely=wordy and first.confidence >= _WITHOUT_COMPLAINT)
    )
    fails = wordy and explained.foreign == OTHER and fails_around(clues, known.matrix)
    return explained if tells or ((says_so or fails) and explained.sure) else None
