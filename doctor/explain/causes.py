"""From one failure and what stands beside it to its causes, only as sure as what was seen is.

A sign speaks for one cause, and how much is its author's judgement; words, observations and frames speak for and against every cause,
and how much was fitted to labelled reports. Causes share what certainty there is. A matrix of causes that the fitted table does not
know goes by its signs alone: each cause starts against odds, and what is left over goes to "unknown".
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from doctor.diagnosis.remedy import NO_UPGRADE_CURES
from doctor.explain.explanation import ANSWERED, NOT_OURS, SURE, UNKNOWN, Clues, LikelyCause
from doctor.explain.features import all_of, words_of
from doctor.explain.model import Model, Seen
from doctor.explain.places import edit_at
from doctor.explain.upgrading import always_holds, match_of, recommended_upgrade, upgrading, version_reason
from doctor.facts.environment import Environment
from doctor.facts.symptom import Failure, Frame
from doctor.knowledge.cause import Cause, Sign, Weight, frames_hold
from doctor.knowledge.family import Foreign, KnownMessage
from doctor.knowledge.matching import Match, installed_version
from doctor.knowledge.matrix import Advisory, Matrix, Signature
from doctor.knowledge.releases import Releases

_ODDS_BEFORE = 0.25
"""Of any one cause against "none that is known", before a sign is seen."""
_TIMES: Mapping[Weight, float] = {"proves": 80.0, "strong": 20.0, "likely": 6.0, "hint": 1.8, "against": 0.2, "excludes": 0.0}
_SUREST = 0.99
"""Nothing read from a text is certain."""
_SUREST_OF_ONE_SHAPE = 0.95
"""A range that rests on runs in one shape of the problem may end elsewhere in another."""
LEAST_UNTOLD = 0.12
"""How likely the first cause has to be where a text shows no failure, but tells of one, or seems to."""
LEAST_TOLD = 0.15
"""How likely where a known message is shown: below, the text tells none, and how often each is behind the message is all there is to say."""
WORTH_SAYING = 0.06
"""A cause less likely is not named."""
_MAX_CAUSES = 4
_MAX_USUAL = 5
_MOST_LEARNED, _LEAST_LEARNED = 3, 0.1
"""So many fitted reasons are given, and only such as say something, in log odds."""
PROVEN = 0.97
"""What a sentence that no other failure says leaves to its cause, whatever was fitted."""
_FEW_WORDS, _FEWEST_WORDS = 25, 12
_IN_WORDS = {"observations": "{}", "words": 'the text has "{}"', "parts": 'the text has "{}..."', "frames": "the traceback {}"}
_COMMON_FRAMES = frozenset({"to", "_apply", "convert", "__init__", "forward", "new_forward", "wrapper", "<module>", "from_pretrained"})
"""Frames that most failures of this family share."""


@dataclass(frozen=True)
class Known:
    """What every failure of a text is judged by, beside its own clues."""

    environment: Environment
    matrix: Matrix
    releases: Releases
    model: Model | None = None
    """None: causes are judged by their signs alone."""
    answered: frozenset[str] = frozenset()
    """The names of the facts that were answered, or whose answer is not known: those not to ask for."""


@dataclass(slots=True)
class Case:
    """What speaks for and against one cause."""

    cause: Cause
    odds: float = 1.0
    """The product of what its signs say, but for those that prove."""
    proof: float = 1.0
    """The product of those."""
    because: list[tuple[float, str]] = field(default_factory=list)
    advisories: dict[str, float] = field(default_factory=dict)
    kinds: list[tuple[float, str]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    """What its signs that hold say."""
    answered: list[str] = field(default_factory=list)
    """What answers beside the text say for it."""


@dataclass(frozen=True)
class Judgement:
    """The causes a failure may have."""

    causes: tuple[LikelyCause, ...]
    """Surest first."""
    told: bool = False
    """Whether a sign of the text speaks for the first."""
    cases: Mapping[str, Case] = field(default_factory=dict)
    """What the signs say of every cause, by its name."""
    proven: bool = False
    """Whether a sentence that no other failure says proves one of them."""
    foreign: float = 0.0
    """How likely it is that the failure is not of the family at all."""
    because: tuple[str, ...] = ()
    """Why it may not be."""


def judged(failure: Failure, clues: Clues, known: Known, place: Frame | None = None) -> Judgement:
    """The causes that what was seen speaks for; `place` is where the user could change something.

    The failure is as it would be whoever met it (`without_own_places`).
    """
    cases = cases_of(failure, clues, known)
    if known.model is None:
        likely = by_signs(cases, known, place)
        return Judgement(likely, bool(likely), cases)
    seen = seen_of(cases, failure, clues, known)
    contributions = known.model.contributions(seen)
    scores = {cause: known.model.intercepts[cause] + sum(said.values()) for cause, said in contributions.items()}
    for name, case in cases.items():
        scores[name] = scores.get(name, min(known.model.intercepts.values())) + evidence(case, known.model.signs)
    if UNKNOWN in scores and any(case.answered for case in cases.values()):  # what was answered tells, whatever the text does
        scores[UNKNOWN] -= math.log(_TIMES["strong"])
    shares = as_sure(_shared({cause: known.model.sharpness * score for cause, score in scores.items()}), cases, known.model)
    proven = {name for name, case in cases.items() if case.proof > 1}
    shares = _with_proof(shares, proven)
    best = sorted(cases.values(), key=lambda case: -shares[case.cause.name])[:_MAX_CAUSES]
    told = bool(best) and len(best[0].because) > len(best[0].answered)
    spoken = bool(best) and bool(best[0].because)
    best = [replace(case, because=_reasons(case, contributions.get(case.cause.name, {}))) for case in best]
    wordy = bool(failure.frames) or not says_little_else(failure, clues)
    shown = bool(failure.frames or failure.message)
    least = WORTH_SAYING if spoken or (shown and wordy) else LEAST_UNTOLD if says_something(clues) else SURE
    worth = [case for case in best if shares[case.cause.name] >= WORTH_SAYING] if shares[best[0].cause.name] >= least else []
    kinds = known.model.kinds_of(seen)
    likely = tuple(_likely(case, shares[case.cause.name], known, place, kinds.get(case.cause.name)) for case in worth)
    foreign = tuple(said for _, said in _learned(contributions.get(NOT_OURS, {}))[:_MOST_LEARNED])
    return Judgement(likely, told, cases, bool(proven), shares.get(NOT_OURS, 0.0), foreign)


def evidence(case: Case, share: float) -> float:
    """What a cause's own signs say for it, in log odds: all of what proves, and a share of the others."""
    return -math.inf if case.odds <= 0 else share * said_by_signs(case) + math.log(case.proof)


def said_by_signs(case: Case) -> float:
    """What a cause's own signs say for it, in log odds, but for those that prove."""
    return math.log(case.odds) if case.odds > 0 else -math.inf


def cases_of(failure: Failure, clues: Clues, known: Known) -> dict[str, Case]:
    """What the signs of each cause say, by its name."""
    return {cause.name: _case(cause, failure, clues, known) for cause in known.matrix.causes}


def seen_of(cases: Mapping[str, Case], failure: Failure, clues: Clues, known: Known) -> Seen:
    """What is to be seen of a failure, by family."""
    observed = {each.says for each in known.matrix.observations if any(clues.holds(pattern) for pattern in each.text)}
    observed |= {sign for case in cases.values() for sign in case.held}
    observed |= {kind.title for kind in known.matrix.foreign if fits(kind, failure, clues)}
    return all_of(clues.words.get(None, ()), observed, failure)


def says_something(clues: Clues) -> bool:
    """Whether a text has as many words as the shortest that told a cause."""
    return _count(clues.words.get(None, frozenset())) >= _FEWEST_WORDS


def says_little_else(failure: Failure, clues: Clues) -> bool:
    """Whether a text holds hardly a word beside its failure's message."""
    message = {word for line in failure.message.split("\n") for word in words_of(line)}
    return _count(clues.words.get(None, frozenset()) - message) < _FEW_WORDS


def _count(words: Collection[str]) -> int:
    """Of single words: pairs of them stand among them."""
    return sum(" " not in word for word in words)


def fits(kind: Foreign, failure: Failure, clues: Clues) -> bool:
    """Whether a failure is of a kind that is not of the family: by its exception or its message; where the text shows neither, by its words."""
    if not failure.exception and not failure.message:
        return kind.message is not None and clues.holds(kind.message)
    return class_name(failure.exception or "") in kind.exception or (kind.message is not None and message_holds(kind.message, failure))


def by_signs(cases: Mapping[str, Case], known: Known, place: Frame | None) -> tuple[LikelyCause, ...]:
    """The causes that signs alone speak for, surest first."""
    odds = {name: _ODDS_BEFORE * case.odds * case.proof for name, case in cases.items() if case.because}
    total = 1.0 + sum(odds.values())
    best = sorted((name for name in odds if odds[name] > 0), key=lambda name: -odds[name])[:_MAX_CAUSES]
    likely = [_likely(cases[name], odds[name] / total, known, place) for name in best]
    return tuple(each for each in likely if each.confidence >= WORTH_SAYING)


def _shared(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores as shares of one certainty (softmax)."""
    most = max(scores.values())
    odds = {cause: math.exp(score - most) for cause, score in scores.items()}
    total = sum(odds.values())
    return {cause: each / total for cause, each in odds.items()}


def as_sure(shares: dict[str, float], cases: Mapping[str, Case], model: Model) -> dict[str, float]:
    """The first as sure as what was measured says of such a share; the others share what is left, or leave more to "unknown"."""
    first = max((name for name in shares if name != UNKNOWN), key=lambda name: shares[name])
    signs = said_by_signs(cases[first]) if first in cases else 0.0
    before, sure = shares[first], model.sure_of(shares[first], shares.get(UNKNOWN, 0.0), signs)
    if sure > before:
        rest = (1 - sure) / max(1 - before, 1e-9)
        return {name: sure if name == first else share * rest for name, share in shares.items()}
    less = {name: share * sure / before for name, share in shares.items() if name != UNKNOWN}
    return {**less, UNKNOWN: 1 - sum(less.values())}


def _with_proof(shares: dict[str, float], proven: Collection[str]) -> dict[str, float]:
    """What is proven before all else."""
    total = sum(shares[name] for name in proven)
    if not total:
        return shares
    rest = max(1 - total, 1e-9)
    return {name: share * (PROVEN / total if name in proven else (1 - PROVEN) / rest) for name, share in shares.items()}


def _reasons(case: Case, contributions: Mapping[tuple[str, str], float]) -> list[tuple[float, str]]:
    """The signs of the cause, and then as many of the other things seen that speak most for it."""
    signs = sorted(case.because, key=lambda each: -each[0])
    others = _learned({each: value for each, value in contributions.items() if each[1] not in case.held})
    return [*signs, *((math.exp(value), said) for value, said in others[: max(_MOST_LEARNED - len(signs), 0)])]


def _learned(contributions: Mapping[tuple[str, str], float]) -> list[tuple[float, str]]:
    """What speaks most, in words; what was observed before words and frames that say nothing by themselves."""
    best = sorted(contributions.items(), key=lambda each: (each[0][0] != "observations", -each[1], each[0]))
    return [(value, _IN_WORDS[family].format(name)) for (family, name), value in best if value >= _LEAST_LEARNED]


def usual_causes(message: KnownMessage, matrix: Matrix) -> tuple[LikelyCause, ...]:
    """What is behind a message how often, where nothing else speaks for any cause."""
    by_name = {cause.name: cause for cause in matrix.causes}
    total = sum(message.usual.values())
    often = sorted(message.usual.items(), key=lambda each: -each[1])[:_MAX_USUAL]
    return tuple(_usual(by_name[name], count, total) for name, count in often if count)


def _usual(cause: Cause, count: int, total: int) -> LikelyCause:
    return LikelyCause(
        cause=cause.name,
        kind=cause.kind,
        title=cause.title,
        advisory=None,
        confidence=round(count / total, 2),
        because=(f"of {total} public reports with this message whose cause is known, {count} had this one",),
        remedy=cause.remedy,
        avoid=cause.avoid,
        upgrade=None,
        settle=cause.settle,
        references=cause.references,
        upgrading="Not known before the cause is.",
        basis="frequency",
    )


# Weighing


def _case(cause: Cause, failure: Failure, clues: Clues, known: Known) -> Case:
    case, environment, matrix = Case(cause), known.environment, known.matrix
    answers = [signs[cause.name] for pattern, signs in matrix.answer_signs.items() if cause.name in signs and clues.holds(pattern)]
    for sign in (*cause.signs, *answers):
        if not _holds(sign, failure, clues, environment) or not _possible(sign.advisory, environment, matrix):
            continue
        times = _TIMES[sign.weight]
        if sign.weight == "proves":
            case.proof *= times
        else:
            case.odds *= times
        if times > 1:
            case.held.add(sign.says)
            case.because.append((times, _because(sign, clues)))
            if any(clues.found[pattern] == ANSWERED for pattern in sign.text):
                case.answered.append(sign.says)
            if sign.advisory is not None:
                case.advisories[sign.advisory] = max(times, case.advisories.get(sign.advisory, 0.0))
            case.kinds.append((times, sign.kind or cause.kind))
    for advisory_id in cause.advisories:
        if advisory_id in clues.program and _possible(advisory_id, environment, matrix):
            case.proof *= _TIMES["strong"]
            case.because.append((_TIMES["strong"], f"the code shown sets {advisory_id} off (line {clues.program[advisory_id]})"))
            case.advisories[advisory_id] = _TIMES["strong"]
    for advisory in (matrix.advisory(each) for each in cause.advisories):
        if advisory is None or advisory.id in case.advisories:
            continue
        weight = _signature_weight(advisory, failure, matrix)
        if weight is not None and concerns(advisory, failure, known) and _possible(advisory.id, environment, matrix):
            case.odds *= _TIMES[weight]
            case.because.append((_TIMES[weight], f"it looks as {advisory.id} does: {advisory.title}"))
            case.advisories[advisory.id] = _TIMES[weight]
    return case


def _holds(sign: Sign, failure: Failure, clues: Clues, environment: Environment) -> bool:
    return (
        (not sign.exception or class_name(failure.exception or "") in sign.exception)
        and (sign.message is None or _said(sign.message, failure, clues))
        and (not sign.frames or frames_hold(sign.frames, failure.frames))
        and not any(frames_hold((pattern,), failure.frames) for pattern in sign.without_frames)
        and all(clues.holds(pattern) for pattern in sign.text)
        and not any(clues.holds(pattern) for pattern in sign.without_text)
        and all(_version_meets(specifier, environment) for specifier in sign.packages)
    )


def _said(pattern: str, failure: Failure, clues: Clues) -> bool:
    """Whether the message holds the pattern; where the text was cut before its message, or tells in words only, the text's."""
    return message_holds(pattern, failure) if failure.message else clues.holds(pattern)


def message_holds(pattern: str, failure: Failure) -> bool:
    """Whether the failure's own message holds the pattern."""
    return re.search(pattern, failure.message.lower(), re.MULTILINE | re.ASCII) is not None


def class_name(exception: str) -> str:
    """`OutOfMemoryError` of `torch.cuda.OutOfMemoryError`."""
    return exception.rpartition(".")[2]


def _version_meets(specifier: str, environment: Environment) -> bool:
    from packaging.requirements import Requirement

    requirement = Requirement(specifier)
    distribution = environment.packages.get(requirement.name)
    version = installed_version(distribution) if distribution is not None else None
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _because(sign: Sign, clues: Clues) -> str:
    lines = sorted({clues.found[pattern] for pattern in sign.text} - {ANSWERED})
    return f"{sign.says} (line {', '.join(map(str, lines))})" if lines else sign.says


def _signature_weight(advisory: Advisory, failure: Failure, matrix: Matrix) -> Weight | None:
    """How much it says that a failure looks as an advisory does: much when no other looks so, nothing when many do."""
    signature = advisory.signature
    if signature is None or not says_the_same(signature, failure):
        return None
    alike = [each.signature for each in matrix.advisories if each.signature is not None and _alike(each.signature, signature)]
    if len(alike) == 1:
        return "strong"
    if _COMMON_FRAMES.issuperset(signature.frames):
        return None
    holding = [each for each in alike if frames_hold([f"*:{name}" for name in each.frames], failure.frames)]
    return "likely" if signature in holding and not any(each.frames for each in holding if each != signature) else None


def says_the_same(signature: Signature, failure: Failure) -> bool:
    """Whether the failure's message is an advisory's, and its exception is not another."""
    if signature.message is None or signature.message.lower() not in failure.message.lower():
        return False
    return signature.exception is None or failure.exception is None or signature.exception == class_name(failure.exception)


def _alike(one: Signature, other: Signature) -> bool:
    """Whether two messages are the same, or one is part of the other."""
    return one.message is not None and other.message is not None and (one.message in other.message or other.message in one.message)


def concerns(advisory: Advisory, failure: Failure, known: Known) -> bool:
    """Whether the text speaks of an affected package at all: in a version, the path of a frame, or a message that is nobody else's."""
    names = {each.package for each in advisory.affected}
    modules = {f"/{name.replace('-', '_')}/" for name in names}
    if any(module in f"/{frame.file}" for frame in failure.frames for module in modules) or names & known.environment.packages.keys():
        return True
    message = (advisory.signature.message or "") if advisory.signature is not None else ""
    return not failure.frames and not any(re.search(pattern, message.lower(), re.ASCII) for pattern in known.matrix.family.anybodys)


def _possible(advisory_id: str | None, environment: Environment, matrix: Matrix) -> bool:
    """False when the versions that are known rule the advisory out."""
    advisory = matrix.advisory(advisory_id) if advisory_id is not None else None
    if advisory is None or not any(each.package in environment.packages for each in advisory.affected):
        return True
    return match_of(advisory, environment) is not None


# Concluding


def _kind(case: Case) -> str:
    """The cause's, unless the sign that says most is of another."""
    return max(case.kinds, key=lambda each: each[0])[1] if case.kinds else case.cause.kind


def _likely(case: Case, confidence: float, known: Known, place: Frame | None, kind: str | None = None) -> LikelyCause:
    """`kind`: of what kind the cause is here; None where that was not judged."""
    environment, matrix = known.environment, known.matrix
    cause, usual = case.cause, _kind(case)
    here = kind or usual
    either = here if usual in NO_UPGRADE_CURES else usual  # that no release cures it is said where both say so
    advisory, found = _culprit(case, environment, matrix)
    upgrade = recommended_upgrade(advisory, found, environment, matrix, known.releases) if confidence >= SURE else None
    return LikelyCause(
        cause=cause.name,
        kind=here,
        title=advisory.title if advisory is not None else cause.title,
        advisory=advisory.id if advisory is not None else None,
        confidence=min(round(confidence, 2), _surest(advisory)),
        because=tuple(dict.fromkeys(said for _, said in sorted(case.because, key=lambda each: -each[0])))
        + version_reason(advisory, found, environment),
        remedy=cause.remedy,
        avoid=cause.avoid,
        upgrade=upgrade,
        settle=cause.settle,
        references=tuple(dict.fromkeys((*(advisory.references if advisory is not None else ()), *cause.references))),
        edit=edit_at(cause.edits, place),
        upgrading=upgrading(either, advisory, found, upgrade, environment, sure=confidence >= SURE),
    )


def _culprit(case: Case, environment: Environment, matrix: Matrix) -> tuple[Advisory | None, Match | None]:
    """The advisory that signs name; else the first that is the cause itself in certain releases, this one among them."""
    if case.advisories:
        best = max(case.advisories, key=lambda each: case.advisories[each])
        advisory = matrix.advisory(best)
        return advisory, match_of(advisory, environment) if advisory is not None else None
    for advisory in (matrix.advisory(each) for each in case.cause.told_by_version):
        found = match_of(advisory, environment) if advisory is not None else None
        if advisory is not None and found is not None and not found.missing and not always_holds(advisory):
            return advisory, found
    return None, None


def _surest(advisory: Advisory | None) -> float:
    return _SUREST if advisory is None or len(advisory.evidence.shapes) > 1 or always_holds(advisory) else _SUREST_OF_ONE_SHAPE
