"""What belongs to the failures doctor knows causes of, and what does not: words, messages and advice, as data beside the causes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from doctor.facts.frozen import Frozen
from doctor.knowledge.cause import CauseName, Pattern
from doctor.knowledge.fact import FactName
from doctor.knowledge.schema import Text

KindName = Annotated[str, Text(r"[a-z0-9]+(-[a-z0-9]+)*", 'a name such as "cuda-out-of-memory"')]


class Family(Frozen):
    """How a text shows that it speaks of the family, in whatever language: the names of devices, functions and arguments are the same in all."""

    named: tuple[Pattern, ...] = ()
    """The family itself: `meta tensor`, `to_empty`."""
    near: tuple[Pattern, ...] = ()
    """What is used where the family strikes: `device_map`, `.to(`."""
    around: tuple[Pattern, ...] = ()
    """The stack and what is done with it: a failure without frames is not foreign in a text that speaks of it."""
    subject: tuple[Pattern, ...] = ()
    """What a text has to speak of to be taken for one that tells of a failure of a model: the stack, and parts of models that nothing else has."""
    failing: tuple[Pattern, ...] = ()
    """That something failed, in several languages."""
    wrong: tuple[Pattern, ...] = ()
    """That something is not as it should be, though nothing failed."""
    silent: tuple[Pattern, ...] = ()
    """What tells of a failure by itself, though none was raised."""
    anybodys: tuple[Pattern, ...] = ()
    """Messages of advisories that any other program can have as well: they say nothing where no package of the stack is in sight."""


FAMILY_KEYS = ("named", "near", "around", "subject", "failing", "wrong", "silent", "anybodys")


Harm = Literal["destroys", "hides", "nothing"]


class AdviceForm(Frozen):
    """One of the ways in which an advice is given."""

    pattern: Pattern
    """How a text that gives it so is told."""
    says: str
    """What is wrong with it, after "Line 12: "."""


class Advice(Frozen):
    """Advice in circulation that is wrong."""

    name: KindName
    """What it is called here: `strict-false`."""
    advised: str
    """What it tells people to do or to believe, in plain words."""
    harm: Harm
    """What following it does: weights are lost, or the failure is hidden and its cause stays, or nothing."""
    wrong: str
    """Why it does not help."""
    instead: str
    """What to do."""
    advisories: tuple[str, ...]
    """Ids of those against which it is given; each says under `avoid` that it does not help. Empty where it is given against anything."""
    forms: tuple[AdviceForm, ...]
    """The clearest first."""


class Foreign(Frozen):
    """A kind of failure that is not of the family."""

    name: KindName
    kind: Literal["bug", "misuse", "resource", "incompatibility"]
    """As of an advisory."""
    title: str
    """What it is, in plain words."""
    remedy: str
    """What to do about it."""
    exception: tuple[str, ...] = ()
    """Names of exceptions without their module, any of which will do."""
    message: Pattern | None = None
    """Somewhere in the failure's message; either of `exception` and `message` is enough."""


class KnownMessage(Frozen):
    """A message that says too little by itself: what it means, and what is behind it how often."""

    name: KindName
    message: Pattern
    """Somewhere in the failure's message."""
    told: tuple[Pattern, ...]
    """How a text tells of it in words only, in any language: one of them is enough."""
    means: str
    """In plain words."""
    avoid: str | None
    """What never to do about it, whatever its cause; None where nothing is known to do harm."""
    fact: FactName
    """The one that tells its causes apart; its answers between them name every usual cause that can be told."""
    usual: Mapping[CauseName, int]
    """In how many reports with this message each cause was behind it."""
