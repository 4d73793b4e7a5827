"""From one failure and what stands beside it to its causes, only as sure as the signs are.

Each cause starts against odds; each sign that holds multiplies them; what is left over goes to "unknown". So one hint leaves
doubt, several make a case, and causes that compete share what certainty there is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from doctor.explain.explanation import SURE, Clues, LikelyCause
from doctor.explain.places import edit_at, own_frame
from doctor.explain.upgrading import always_holds, match_of, recommended_upgrade, upgrading, version_reason
from doctor.facts.environment import Environment
from doctor.facts.symptom import Failure
from doctor.knowledge.cause import Cause, Sign, Weight, frames_hold
from doctor.knowledge.family import KnownMessage
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
_WORTH_SAYING = 0.1
_MAX_CAUSES = 4
_MAX_USUAL = 5
_COMMON_FRAMES = frozenset({"to", "_apply", "convert", "__init__", "forward", "new_forward", "wrapper", "<module>", "from_pretrained"})
"""Frames that most failures of this family share."""


@dataclass(frozen=True)
class Known:
    """What every failure of a text is judged by, beside its own clues."""

    environment: Environment
    matrix: Matrix
    releases: Releases


@dataclass(slots=True)
class _Case:
    """What speaks for and against one cause."""

    cause: Cause
    odds: float = _ODDS_BEFORE
    because: list[tuple[float, str]] = field(default_factory=list)
    advisories: dict[str, float] = field(default_factory=dict)
    kinds: list[tuple[float, str]] = field(default_factory=list)


def causes_by_signs(failure: Failure, clues: Clues, known: Known) -> tuple[LikelyCause, ...]:
    """The causes that signs speak for, surest first."""
    cases = [_case(cause, failure, clues, known) for cause in known.matrix.causes]
    cases = [case for case in cases if case.because and case.odds > 0]
    total = 1.0 + sum(case.odds for case in cases)
    cases.sort(key=lambda case: -case.odds)
    likely = [_likely(case, case.odds / total, failure, known) for case in cases[:_MAX_CAUSES]]
    return tuple(each for each in likely if each.confidence >= _WORTH_SAYING)


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


def _case(cause: Cause, failure: Failure, clues: Clues, known: Known) -> _Case:
    case, environment, matrix = _Case(cause), known.environment, known.matrix
    for sign in cause.signs:
        if not _holds(sign, failure, clues, environment) or not _possible(sign.advisory, environment, matrix):
            continue
        times = _TIMES[sign.weight]
        case.odds *= times
        if times > 1:
            case.because.append((times, _because(sign, clues)))
            if sign.advisory is not None:
                case.advisories[sign.advisory] = max(times, case.advisories.get(sign.advisory, 0.0))
            case.kinds.append((times, sign.kind or cause.kind))
    for advisory_id in cause.advisories:
        if advisory_id in clues.program and _possible(advisory_id, environment, matrix):
            case.odds *= _TIMES["strong"]
            case.because.append((_TIMES["strong"], f"the code shown sets {advisory_id} off (line {clues.program[advisory_id]})"))
            case.advisories[advisory_id] = _TIMES["strong"]
    for advisory in (matrix.advisory(each) for each in cause.advisories):
        if advisory is None or advisory.id in case.advisories or not _possible(advisory.id, environment, matrix):
            continue
        weight = _signature_weight(advisory, failure, matrix) if concerns(advisory, failure, known) else None
        if weight is not None:
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
    lines = sorted({clues.found[pattern] for pattern in sign.text})
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


def _likely(case: _Case, confidence: float, failure: Failure, known: Known) -> LikelyCause:
    environment, matrix = known.environment, known.matrix
    cause = case.cause
    advisory, found = _culprit(case, environment, matrix)
    kind = max(case.kinds, key=lambda each: each[0])[1] if case.kinds else cause.kind
    upgrade = recommended_upgrade(advisory, found, environment, matrix, known.releases) if confidence >= SURE else None
    return LikelyCause(
        cause=cause.name,
        kind=kind,
        title=advisory.title if advisory is not None else cause.title,
        advisory=advisory.id if advisory is not None else None,
        confidence=min(round(confidence, 2), _surest(advisory)),
        because=tuple(said for _, said in sorted(case.because, key=lambda each: -each[0])) + version_reason(advisory, found, environment),
        remedy=cause.remedy,
        avoid=cause.avoid,
        upgrade=upgrade,
        settle=cause.settle,
        references=tuple(dict.fromkeys((*(advisory.references if advisory is not None else ()), *cause.references))),
        edit=edit_at(cause.edits, own_frame(failure.frames)),
        upgrading=upgrading(kind, advisory, found, upgrade, environment, sure=confidence >= SURE),
    )


def _culprit(case: _Case, environment: Environment, matrix: Matrix) -> tuple[Advisory | None, Match | None]:
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
