"""Facts that a text rarely states and that tell causes apart: the question, how to get the answer, and what each answer speaks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from doctor.facts.frozen import Frozen
from doctor.knowledge.cause import CauseName, Pattern, Sign, Weight
from doctor.knowledge.schema import Text

FactName = Annotated[str, Text(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", 'a name such as "hf_device_map"')]
Value = Annotated[str, Text(r"[a-z0-9]+", 'a word such as "offloaded"')]


class Answer(Frozen):
    """One of the answers to a question."""

    value: Value
    """What stands for it: `--fact threads=yes`."""
    seen: str
    """What one sees then."""
    says: str
    """The cause or causes, in as few plain words as tell them from the others."""
    causes: tuple[CauseName, ...]
    """Names of the causes it speaks for; it speaks against those that only other answers name."""
    excludes: tuple[CauseName, ...] = ()
    """Names of the causes it rules out."""
    match: Pattern | None = None
    """What a printed value that is given in place of `value` holds."""


class Fact(Frozen):
    """One fact."""

    name: FactName
    ask: str
    """The question, or what to do to answer it."""
    answers: tuple[Answer, ...]
    """The first whose `match` fits a printed value is the one."""
    run: str | None = None
    """A line of Python that answers it, and changes nothing; None when it has to be looked up."""
    command: str | None = None
    """A command that answers it; None where there is none."""
    variable: str | None = None
    """The environment variable that answers it where it is set."""
    setting: str | None = None
    """The key of accelerate's default configuration that answers it where it is there."""

    def answer(self, given: str) -> Answer | None:
        """The answer that a value, or what was printed, stands for; None for none of them."""
        import re

        said = given.strip().lower()
        exact = next((each for each in self.answers if each.value == said), None)
        return exact or next((each for each in self.answers if each.match is not None and re.search(each.match, said, re.ASCII)), None)


def pattern_of(fact: Fact, answer: Answer) -> str:
    """The pattern of a text that gives the answer itself: `answered: threads is yes`, on a line of its own."""
    return f"^answered: {fact.name} is {answer.value}$"


def answer_signs(facts: Iterable[Fact]) -> Mapping[str, Mapping[str, Sign]]:
    """By the pattern of an answer, what it says of causes, as a sign of each by its name."""
    return {pattern_of(fact, answer): _signs(fact, answer) for fact in facts for answer in fact.answers}


def _signs(fact: Fact, answer: Answer) -> Mapping[str, Sign]:
    says, text = f"{fact.name} is {answer.value}: {answer.seen}", (pattern_of(fact, answer),)
    others = sorted({name for each in fact.answers for name in each.causes} - {*answer.causes, *answer.excludes})
    weights: Mapping[Weight, Iterable[str]] = {"strong": answer.causes, "excludes": answer.excludes, "against": others}
    return {name: Sign(weight=weight, says=says, text=text) for weight, names in weights.items() for name in names}
