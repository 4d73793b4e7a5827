"""What a loader reported of the names in a checkpoint and in a model. Plain facts, no reading."""

from __future__ import annotations

from typing import Literal

from doctor.facts.frozen import Frozen

Shows = Literal[
    "nothing-taken",
    "one-prefix",
    "other-names",
    "nothing-in-common",
    "whole-layers",
    "part-missing",
    "only-ties",
    "only-a-head",
    "only-buffers",
    "known-harmless",
    "part-unused",
    "only-a-head-unused",
    "shapes-differ",
    "conversion-failed",
]
"""`nothing-taken`: the missing names are all of the model. `one-prefix`: missing and unexpected names differ by what stands before them;
`other-names`: they share their ends; `nothing-in-common`: not even those. `whole-layers`, `part-missing` (one module), `only-ties` (of weights
that models tie), `only-a-head`, `only-buffers`, `known-harmless` (that transformers names though nothing is lost): what is missing, where all
else was found. `part-unused`, `only-a-head-unused`: what nobody took, where nothing
is missing. `shapes-differ`: of names on both sides. `conversion-failed`: transformers could not convert what it found."""


class LoadReport(Frozen):
    """The names that one load found on one side only; as printed, `layers.{0, 1}.weight` for two of them."""

    line: int
    """Where it begins in the text, from 1."""
    into: str | None
    """The model's class; None where the text does not say."""
    missing: tuple[str, ...]
    """In the model, and not in the checkpoint."""
    unexpected: tuple[str, ...]
    """In the checkpoint, and not in the model."""
    mismatched: tuple[str, ...]
    """In both, in another shape."""
    unconverted: tuple[str, ...]
    """What transformers could not convert between its generations."""
    loaded: int | None
    """How many weights were loaded; None where the text does not say."""
    prefix: str | None
    """With `one-prefix`: what stands before the names of one side."""
    shows: tuple[Shows, ...]
    """What the names have in common, most telling first; empty where nothing is to be said of them."""
    process: str | None = None
    """Who printed it, as the prefix of its lines says; None where none does."""
