"""What `doctor explain` concludes: plain, immutable types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen, field
from doctor.facts.loading import LoadReport
from doctor.facts.symptom import Failure, Frame
from doctor.knowledge.fact import Fact
from doctor.knowledge.family import KnownMessage
from doctor.upgrade.plan import Change

SURE = 0.5
"""Confidence from which on a cause is named as the cause, and an upgrade recommended for it."""
NOT_OURS = "not-ours"
"""The cause of a failure that has nothing to do with tensors on meta."""
ANSWERED = 0
"""The line of what stands beside the text, as an answer about a fact does."""
UNKNOWN = "unknown"
"""What stands in the place of a cause where a text does not tell it."""


class Clues(Frozen):
    """What a text says beside its failures."""

    found: Mapping[str, int]
    """Patterns the text holds, each with its first line, from 1."""
    by_process: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Patterns in the lines of one process of several, by its name."""
    program: Mapping[str, int] = field(default_factory=dict)
    """Ids of advisories that code in the text sets off for certain, each with the line where."""
    words: Mapping[str | None, frozenset[str]] = field(default_factory=dict)
    """The words of its beginning, by the process of several that printed them; those under None may be anybody's."""

    def holds(self, pattern: str) -> bool:
        """Whether the text holds the pattern."""
        return pattern in self.found

    def of(self, process: str) -> Clues:
        """What a failure of one process is judged by: that process's lines, and those that may be anybody's."""
        words = self.words.get(None, frozenset()) | self.words.get(process, frozenset())
        return Clues({**self.by_process.get(process, {}), **self.found}, program=self.program, words={None: words})


class LikelyCause(Frozen):
    """One cause a failure may have."""

    cause: str
    """A name of the taxonomy (docs/causes.md), or `not-ours`."""
    kind: str
    """`bug`, `misuse`, `resource` or `incompatibility`."""
    title: str
    """In plain words; the advisory's, where one is named."""
    advisory: str | None
    """The known problem that this is a case of; None when no single one is, or none can be told apart."""
    confidence: float
    """From 0 to 1; what the causes of a failure lack to 1 is how unknown the cause is."""
    because: tuple[str, ...]
    """What speaks for it, strongest first: frames, message, words of the text, versions."""
    remedy: str
    """What to do, wherever it happened."""
    avoid: str | None
    """What never to do about it; None where nothing is known to do harm."""
    upgrade: Change | None
    """The release to go to; None where none helps, or the text does not say enough to be sure that one does."""
    settle: str
    """The one fact that would make sure."""
    references: tuple[str, ...]
    """Where it was reported or is explained."""
    edit: str | None = None
    """What to change at the line of the user's own code that the failure came through; None when no line is known to be the one."""
    upgrading: str = ""
    """Whether an upgrade helps, in words."""
    basis: Literal["signs", "frequency"] = "signs"
    """`frequency`: nothing but its message speaks for it, and how often that message comes of it."""


class Given(Frozen):
    """An answer that was given beside the text."""

    name: str
    """Of the fact."""
    value: str
    """Of its answer, as docs/causes.md has them."""
    by: Literal["option", "prompt", "here"]
    """`option`: with `--fact`; `prompt`: when it was asked for; `here`: found in the environment the text came from."""


class ExplainedFailure(Frozen):
    """A failure and what may have caused it, surest first; no causes: unknown."""

    failure: Failure
    causes: tuple[LikelyCause, ...]
    place: Frame | None = None
    """The last frame of the user's own code."""
    known: KnownMessage | None = None
    """What its message means and asks for; None when the matrix knows nothing of the message."""
    question: Fact | None = None
    """What tells the causes apart, where the first is not sure; None when no fact is known to."""
    foreign: str | None = None
    """Of a failure that is not of the family, its kind, such as `cuda-out-of-memory`, or `other`; None for those of the family."""

    @property
    def sure(self) -> bool:
        """Whether one cause is likelier than all others and "unknown" together, and more than its frequency speaks for it."""
        return bool(self.causes) and self.causes[0].confidence >= SURE and self.causes[0].basis == "signs"


class Explanation(Frozen):
    """All failures of a text, explained."""

    failures: tuple[ExplainedFailure, ...]
    environment: Environment
    warnings: tuple[str, ...] = ()
    """Wrong advice the text holds."""
    ranks: tuple[int, ...] = ()
    """The ranks of a distributed run whose lines the text holds."""
    load_reports: tuple[LoadReport, ...] = ()
    """The names that loads found on one side only, as loaders print them."""
    given: tuple[Given, ...] = ()
    """Answers that were given beside the text."""

    def __str__(self) -> str:
        from doctor.explain import brief

        return brief.as_text(self)

    def _repr_html_(self) -> str:
        from doctor.explain import brief

        return brief.as_html(self)
