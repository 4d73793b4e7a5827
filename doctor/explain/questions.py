"""The one fact that tells the likely causes of a failure apart, and what the environment itself answers."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence

from doctor.explain.explanation import LikelyCause
from doctor.facts.environment import Environment
from doctor.knowledge.fact import Answer, Fact
from doctor.knowledge.family import KnownMessage
from doctor.knowledge.matrix import Matrix

_ONE_NAMED = 0.5
"""What a fact is worth for two causes of which its answers name one only, and that one alone: it can confirm it."""


def question_for(causes: Sequence[LikelyCause], message: KnownMessage | None, matrix: Matrix, answered: Collection[str]) -> Fact | None:
    """The fact to ask for: a message's own where nothing else speaks, else the one whose answers part the likeliest pairs of causes.

    None where no fact that is not `answered` would tell the first two apart.
    """
    facts = [fact for fact in matrix.facts if fact.name not in answered]
    if message is not None and not any(cause.basis == "signs" for cause in causes):
        own = next((fact for fact in facts if fact.name == message.fact), None)
        if own is not None:
            return own
    if not causes:
        return None
    best = max(facts, key=lambda fact: _worth(fact, causes), default=None)
    first, second = causes[0].cause, causes[1].cause if len(causes) > 1 else ""
    return best if best is not None and _parts(best, first, second) else None


def _worth(fact: Fact, causes: Sequence[LikelyCause]) -> float:
    if len(causes) == 1:
        return _parts(fact, causes[0].cause, "")
    pairs = itertools.combinations(causes, 2)
    return sum(one.confidence * other.confidence * _parts(fact, one.cause, other.cause) for one, other in pairs)


def _parts(fact: Fact, one: str, other: str) -> float:
    """How well the answers part two causes: 1 where no answer is for both and each has one of its own."""
    ones, others = _for(fact, one), _for(fact, other)
    if not ones and not others:
        return 0.0
    if not ones or not others:
        return max(_ONE_NAMED / len(answer.causes) for answer in fact.answers if answer.value in ones | others)
    return 1.0 if ones.isdisjoint(others) else 0.0


def _for(fact: Fact, cause: str) -> frozenset[str]:
    return frozenset(answer.value for answer in fact.answers if cause in answer.causes)


def found_here(environment: Environment, config: Mapping[str, str] | None, matrix: Matrix) -> Iterator[tuple[Fact, Answer]]:
    """What the environment and accelerate's configuration there answer. What is not set answers nothing: the process may have had it."""
    for fact in matrix.facts:
        values = (environment.variables.get(fact.variable or ""), (config or {}).get(fact.setting or ""))
        answer = next((found for value in values if value and (found := fact.answer(value)) is not None), None)
        if answer is not None:
            yield fact, answer
