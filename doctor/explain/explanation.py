"""From what a text shows to the causes of its failures: pure, and only as sure as the signs are.

Each cause starts against odds; each sign that holds multiplies them; what is left over goes to "unknown". So one hint leaves
doubt, several make a case, and causes that compete share what certainty there is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from doctor.diagnosis.remedy import NO_UPGRADE_CURES
from doctor.facts.environment import Environment
from doctor.facts.symptom import Failure
from doctor.knowledge.cause import Cause, Sign, Weight, frames_hold
from doctor.knowledge.matching import Match, installed_version, match
from doctor.knowledge.matrix import Advisory, Matrix, Signature
from doctor.knowledge.releases import Releases
from doctor.upgrade.plan import Change, plan_upgrade

_ODDS_BEFORE = 0.25
"""Of any one cause against "none that is known", before a sign is seen."""
_TIMES: Mapping[Weight, float] = {"proves": 80.0, "strong": 20.0, "likely": 6.0, "hint": 1.8, "against": 0.2, "excludes": 0.0}
SURE = 0.5
"""Confidence from which on a cause is named as the cause, and an upgrade recommended for it."""
_SUREST = 0.99
"""Nothing read from a text is certain."""
_SUREST_OF_ONE_SHAPE = 0.95
"""A range that rests on runs in one shape of the problem may end elsewhere in another."""
_WORTH_SAYING = 0.1
_MAX_CAUSES = 4
_COMMON_FRAMES = frozenset({"to", "_apply", "convert", "__init__", "forward", "new_forward", "wrapper", "<module>", "from_pretrained"})
"""Frames that most failures of this family share."""


@dataclass(frozen=True, slots=True)
class Clues:
    """What a text says beside its failures."""

    found: Mapping[str, int]
    """Patterns the text holds, each with its first line, from 1."""

    def holds(self, pattern: str) -> bool:
        """Whether the text holds the pattern."""
        return pattern in self.found


@dataclass(frozen=True, slots=True)
class LikelyCause:
    """One cause a failure may have."""

    cause: str
    """A name of the taxonomy: see README, "Causes"."""
    kind: str
    title: str
    advisory: str | None
    """The known problem that this is a case of; None when no single one is, or none can be told apart."""
    confidence: float
    """From 0 to 1; what the causes of a failure lack to 1 is how unknown the cause is."""
    because: tuple[str, ...]
    """What speaks for it, strongest first: frames, message, words of the text, versions."""
    remedy: str
    avoid: str | None
    upgrade: Change | None
    """The release to go to; None where none helps, or the text does not say enough to be sure that one does."""
    settle: str
    """The one fact that would make sure."""
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedFailure:
    """A failure and what may have caused it, surest first; no causes: unknown."""

    failure: Failure
    causes: tuple[LikelyCause, ...]

    @property
    def sure(self) -> bool:
        """Whether one cause is likelier than all others and "unknown" together."""
        return bool(self.causes) and self.causes[0].confidence >= SURE


@dataclass(frozen=True, slots=True)
class Explanation:
    """All failures of a text, explained."""

    failures: tuple[ExplainedFailure, ...]
    environment: Environment
    warnings: tuple[str, ...] = ()
    """Harmful advice the text holds."""


@dataclass(slots=True)
class _Case:
    """What speaks for and against one cause."""

    cause: Cause
    odds: float = _ODDS_BEFORE
    because: list[tuple[float, str]] = field(default_factory=list)
    advisories: dict[str, float] = field(default_factory=dict)
    kinds: list[tuple[float, str]] = field(default_factory=list)


def text_patterns(matrix: Matrix) -> set[str]:
    """Every pattern that is to be looked for in the whole text."""
    signs = [sign for cause in matrix.causes for sign in cause.signs]
    patterns = {pattern for sign in signs for pattern in (*sign.text, *sign.without_text)}
    return patterns | {sign.message for sign in signs if sign.message is not None} | set(_HARMFUL) | set(_mentions(matrix))


def explain(failures: Sequence[Failure], clues: Clues, environment: Environment, matrix: Matrix, releases: Releases) -> Explanation:
    """What caused each of the failures of a text. A text that only tells of a failure has one as well, without frames."""
    seen = _with_mentions(joined_failures(failures), clues, matrix)
    explained = [ExplainedFailure(each, _causes(each, clues, environment, matrix, releases)) for each in seen]
    if not explained and (described := _described(clues, environment, matrix, releases)) is not None:
        explained = [described]
    explained.sort(key=lambda each: -(each.causes[0].confidence if each.causes else 0.0))
    return Explanation(tuple(explained), environment, _warnings(clues))


# Failures


def joined_failures(failures: Sequence[Failure]) -> list[Failure]:
    """The failures, with a message that stands apart (in a title, say) given to the traceback that was cut before its own."""
    whole = [each for each in failures if each.frames]
    alone = [each for each in failures if not each.frames]
    if alone and whole and any(each.exception is None for each in whole):
        said = max(alone, key=lambda each: len(each.message))
        whole = [each if each.exception else replace(each, exception=said.exception, message=said.message) for each in whole]
    alone = [each for each in alone if not any(_same_failure(each, other) for other in whole)]
    distinct: list[Failure] = []
    for each in sorted(alone, key=lambda each: -len(each.message)):
        if not any(_same_failure(each, other) for other in distinct):
            distinct.append(each)
    return sorted([*whole, *distinct], key=lambda each: each.line)


def _same_failure(one: Failure, other: Failure) -> bool:
    """Whether two say the same, one of them perhaps cut short."""
    length = min(len(one.message), len(other.message), 30)
    return one.exception == other.exception and one.message[:length] == other.message[:length]


def _mentions(matrix: Matrix) -> dict[str, Advisory]:
    """The messages of advisories, as patterns that find them where no exception stands before them."""
    return {
        re.escape(advisory.signature.message.lower()): advisory
        for advisory in matrix.advisories
        if advisory.signature is not None and advisory.signature.message is not None and len(advisory.signature.message) >= 20
    }


def _with_mentions(failures: list[Failure], clues: Clues, matrix: Matrix) -> list[Failure]:
    if any(each.message for each in failures):
        return failures
    for pattern, advisory in _mentions(matrix).items():
        if clues.holds(pattern) and advisory.signature is not None and advisory.signature.message is not None:
            said = Failure(None, advisory.signature.message, (), clues.found[pattern])
            return [replace(each, message=said.message) for each in failures] or [said]
    return failures


def _described(clues: Clues, environment: Environment, matrix: Matrix, releases: Releases) -> ExplainedFailure | None:
    """A failure that a text tells of in words only, when its words make a case."""
    untold = Failure(None, "", (), min(clues.found.values(), default=1))
    causes = _causes(untold, clues, environment, matrix, releases)
    return ExplainedFailure(untold, causes) if causes and causes[0].confidence >= SURE else None


# Causes


def _causes(failure: Failure, clues: Clues, environment: Environment, matrix: Matrix, releases: Releases) -> tuple[LikelyCause, ...]:
    cases = [_case(cause, failure, clues, environment, matrix) for cause in matrix.causes]
    cases = [case for case in cases if case.because and case.odds > 0]
    total = 1.0 + sum(case.odds for case in cases)
    cases.sort(key=lambda case: -case.odds)
    likely = [_likely(case, case.odds / total, environment, matrix, releases) for case in cases[:_MAX_CAUSES]]
    return tuple(each for each in likely if each.confidence >= _WORTH_SAYING)


def _case(cause: Cause, failure: Failure, clues: Clues, environment: Environment, matrix: Matrix) -> _Case:
    case = _Case(cause)
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
    for advisory in (matrix.advisory(each) for each in cause.advisories):
        if advisory is None or advisory.id in case.advisories or not _possible(advisory.id, environment, matrix):
            continue
        if not _concerned(advisory, failure, environment):
            continue
        weight = _signature_weight(advisory, failure, matrix)
        if weight is not None:
            case.odds *= _TIMES[weight]
            case.because.append((_TIMES[weight], f"it looks as {advisory.id} does: {advisory.title}"))
            case.advisories[advisory.id] = _TIMES[weight]
    return case


def _holds(sign: Sign, failure: Failure, clues: Clues, environment: Environment) -> bool:
    return (
        (not sign.exception or _class_name(failure.exception or "") in sign.exception)
        and (sign.message is None or _said(sign.message, failure, clues))
        and (not sign.frames or frames_hold(sign.frames, failure.frames))
        and not any(frames_hold((pattern,), failure.frames) for pattern in sign.without_frames)
        and all(clues.holds(pattern) for pattern in sign.text)
        and not any(clues.holds(pattern) for pattern in sign.without_text)
        and all(_version_meets(specifier, environment) for specifier in sign.packages)
    )


def _said(pattern: str, failure: Failure, clues: Clues) -> bool:
    """Whether the message holds the pattern; where the text was cut before its message, or tells in words only, the text's."""
    if failure.message:
        return re.search(pattern, failure.message.lower(), re.MULTILINE) is not None
    return clues.holds(pattern)


def _class_name(exception: str) -> str:
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
    if signature is None or signature.message is None or signature.message.lower() not in failure.message.lower():
        return None
    if signature.exception is not None and failure.exception is not None and signature.exception != _class_name(failure.exception):
        return None
    alike = [each.signature for each in matrix.advisories if each.signature is not None and _alike(each.signature, signature)]
    if len(alike) == 1:
        return "strong"
    if _COMMON_FRAMES.issuperset(signature.frames):
        return None
    holding = [each for each in alike if frames_hold([f"*:{name}" for name in each.frames], failure.frames)]
    return "likely" if signature in holding and not any(each.frames for each in holding if each != signature) else None


def _alike(one: Signature, other: Signature) -> bool:
    """Whether two messages are the same, or one is part of the other."""
    return one.message is not None and other.message is not None and (one.message in other.message or other.message in one.message)


def _concerned(advisory: Advisory, failure: Failure, environment: Environment) -> bool:
    """Whether the text speaks of an affected package at all: in a version, or in the path of a frame."""
    names = {each.package for each in advisory.affected}
    modules = {f"/{name.replace('-', '_')}/" for name in names}
    in_frames = any(module in frame.file for frame in failure.frames for module in modules)
    return in_frames or not failure.frames or bool(names & environment.packages.keys())


# Advisories and upgrades


def _match(advisory: Advisory, environment: Environment) -> Match | None:
    """Whether the advisory can hold where the failure happened: what had to be there for it, and a text does not say, was there."""
    packages = tuple(each for each in advisory.when.packages if each.ranges is not None or environment.installed(each.package) is not None)
    return match(replace(advisory, when=replace(advisory.when, environment={}, packages=packages)), environment)


def _possible(advisory_id: str | None, environment: Environment, matrix: Matrix) -> bool:
    """False when the versions that are known rule the advisory out."""
    advisory = matrix.advisory(advisory_id) if advisory_id is not None else None
    if advisory is None or not any(each.package in environment.packages for each in advisory.affected):
        return True
    return _match(advisory, environment) is not None


def _likely(case: _Case, confidence: float, environment: Environment, matrix: Matrix, releases: Releases) -> LikelyCause:
    cause = case.cause
    advisory, found = _culprit(case, environment, matrix)
    kind = max(case.kinds, key=lambda each: each[0])[1] if case.kinds else cause.kind
    upgrade = _upgrade(advisory, found, environment, matrix, releases) if confidence >= SURE else None
    return LikelyCause(
        cause=cause.name,
        kind=kind,
        title=advisory.title if advisory is not None else cause.title,
        advisory=advisory.id if advisory is not None else None,
        confidence=min(round(confidence, 2), _surest(advisory)),
        because=tuple(said for _, said in sorted(case.because, key=lambda each: -each[0])) + _version_reason(advisory, found),
        remedy=_remedy(cause, advisory, found, upgrade),
        avoid=cause.avoid,
        upgrade=upgrade,
        settle=cause.settle,
        references=tuple(dict.fromkeys((*(advisory.references if advisory is not None else ()), *cause.references))),
    )


def _surest(advisory: Advisory | None) -> float:
    return _SUREST if advisory is None or len(advisory.evidence.shapes) > 1 or _always_holds(advisory) else _SUREST_OF_ONE_SHAPE


def _culprit(case: _Case, environment: Environment, matrix: Matrix) -> tuple[Advisory | None, Match | None]:
    """The advisory the signs name, or the only one of the cause's that the versions leave."""
    if case.advisories:
        best = max(case.advisories, key=lambda each: case.advisories[each])
        advisory = matrix.advisory(best)
        return advisory, _match(advisory, environment) if advisory is not None else None
    left = []
    for advisory in (matrix.advisory(each) for each in case.cause.advisories):
        found = _match(advisory, environment) if advisory is not None else None
        if advisory is not None and found is not None and not found.missing and not _always_holds(advisory):
            left.append((advisory, found))
    bounded = [each for each in left if any(one.introduced is not None for affected in each[0].affected for one in affected.ranges)]
    if len(left) != 1 and len(bounded) == 1:
        return bounded[0]  # one that began at some release says more than one that was always there
    return left[0] if len(left) == 1 else (None, None)


def _always_holds(advisory: Advisory) -> bool:
    return all(each.holds_every_version for affected in advisory.affected for each in affected.ranges)


def _version_reason(advisory: Advisory | None, found: Match | None) -> tuple[str, ...]:
    if advisory is None or found is None or _always_holds(advisory):
        return ()
    if found.missing:
        return (f"{advisory.id} would need to know: {'; '.join(found.missing)}",)
    return (f"{found.package} {found.installed} is among the releases that have {advisory.id}",)


def _upgrade(advisory: Advisory | None, found: Match | None, environment: Environment, matrix: Matrix, releases: Releases) -> Change | None:
    if advisory is None or found is None or found.missing or advisory.kind in NO_UPGRADE_CURES:
        return None
    holding = {each.id for each in matrix.advisories if match(each, environment) is not None} | {advisory.id}
    plan = plan_upgrade(environment, matrix, releases, holding, [advisory.id])
    return next((change for change in plan.changes if advisory.id in change.clears), None)


def _remedy(cause: Cause, advisory: Advisory | None, found: Match | None, upgrade: Change | None) -> str:
    parts = []
    if upgrade is not None:
        parts.append(f"Upgrade {upgrade.package} from {upgrade.from_} to {upgrade.to}.")
    elif advisory is not None and advisory.kind not in NO_UPGRADE_CURES:
        parts += _without_upgrade(advisory, found)
    parts.append(cause.remedy)
    return " ".join(parts)


def _without_upgrade(advisory: Advisory, found: Match | None) -> list[str]:
    if found is not None and found.installed is not None:
        if found.fixed_in is None:
            return [f"No release of {found.package} fixes {advisory.id} yet."]
        return [f"{advisory.id} is fixed in {found.package} {found.fixed_in}; run `doctor` there to see which release can be gone to."]
    ends = [(each.package, each.ranges[-1].fixed) for each in advisory.affected]
    fixed = [f"{package} {version}" for package, version in ends if version is not None]
    return [f"{advisory.id} is fixed in {' and '.join(fixed)}: which version is yours?"] if len(fixed) == len(ends) else []


# Harmful advice

_HARMFUL = {
    r"\b(?!module\b)\w{1,80}\.to_empty\(": "the text calls to_empty(): on a loaded model that throws every weight away and leaves what memory held.",
    r"(?:use|try|call|replace|change|fix|with)\b.{0,60}(?<!module\.)\bto_empty\b": (
        "the text advises to_empty(): the error goes away, and so do the weights."
    ),
    r"use torch\.nn\.module\.to_empty\(\) instead": (
        "torch's message names to_empty(): on a loaded model it throws every weight away. Do not follow it."
    ),
}


def _warnings(clues: Clues) -> tuple[str, ...]:
    """At most one: the clearest place."""
    return tuple(f"Line {clues.found[pattern]}: {warning}" for pattern, warning in _HARMFUL.items() if clues.holds(pattern))[:1]
