"""What a checkpoint and its configuration say without being loaded. Plain, immutable facts."""

from __future__ import annotations

from doctor.facts.frozen import Frozen


class Model(Frozen):
    """One checkpoint."""

    path: str
    """As it was named on the command line."""
    architectures: tuple[str, ...]
    """The classes that it was saved from; empty when the configuration does not say."""
    holds: frozenset[str] = frozenset()
    """Words of the vocabulary of uses (`doctor.knowledge.uses`) that are true of it."""
    lacks: frozenset[str] = frozenset()
    """Words that are not; of any other word nothing is known."""
    code: tuple[str, ...] = ()
    """The files of its own code that its configuration names, which `trust_remote_code=True` would run."""
