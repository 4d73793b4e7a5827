"""The fitted model that weighs what was seen: a table of coefficients, written by `tools/fit_causes.py` from labelled public reports.

For each cause the coefficients of what was seen are added to the weight of its signs, and the sums share what certainty there is
(multinomial logistic regression whose prior mean are the signs' own weights).
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from doctor.explain.explanation import NOT_OURS, UNKNOWN
from doctor.knowledge.matrix_file import builtin_file

WHOLE = ("words", "parts")
"""Families that count the same however little of them was seen; of the others little counts for less."""
Seen = Mapping[str, frozenset[str]]
"""What was seen, by family."""


@dataclass(frozen=True)
class Feature:
    """One thing that may be seen."""

    rarity: float
    """Its inverse document frequency: what most reports hold says little."""
    coefficients: Mapping[str, float]
    """By cause; one that is not there is 0."""


@dataclass(frozen=True)
class Model:
    """The table."""

    intercepts: Mapping[str, float]
    """By cause, `not-ours` among them."""
    signs: float
    """How much of a sign's own weight counts (0: nothing, 1: all)."""
    sharpness: float
    """What scores are multiplied by before they share what certainty there is."""
    certainty: tuple[float, float]
    """From the log odds of the first share to those of its being right: what is added, and what is multiplied with."""
    families: Mapping[str, tuple[float, Mapping[str, Feature]]]
    """By family, the length its features are brought to, and its features by name."""

    def is_about(self, causes: Iterable[str]) -> bool:
        """Whether it can weigh the causes of a matrix: more than half of all that either knows are known to both.

        A cause of the matrix that the table lacks has its signs alone to speak for it, from the lowest intercept. What speaks for a cause that
        the matrix lacks goes on doing so, and to no other: its share is of "unknown".
        """
        own, named = self.intercepts.keys() - {NOT_OURS, UNKNOWN}, set(causes)
        return 2 * len(own & named) > len(own | named)

    def contributions(self, seen: Seen) -> dict[str, dict[tuple[str, str], float]]:
        """By cause, what each thing that was seen (its family and name) says for it, in log odds."""
        found: dict[str, dict[tuple[str, str], float]] = {cause: {} for cause in self.intercepts}
        for family, name, feature, size in self._present(seen):
            for cause, coefficient in feature.coefficients.items():
                found[cause][family, name] = coefficient * size
        return found

    def sure_of(self, share: float) -> float:
        """How sure one may be of a cause that is first with this share: the share says how it stands among causes, not whether the text tells."""
        more, times = self.certainty
        share = min(max(share, 1e-6), 1 - 1e-6)
        return 1 / (1 + math.exp(-(more + times * math.log(share / (1 - share)))))

    def _present(self, seen: Seen) -> Iterator[tuple[str, str, Feature, float]]:
        """The features that were seen: family, name, and its size in the sum."""
        for family, (length, features) in self.families.items():
            present = [(name, features[name]) for name in sorted(seen.get(family, ())) if name in features]
            norm = math.sqrt(sum(feature.rarity**2 for _, feature in present))
            scale = length / (norm if family in WHOLE else max(norm, 1.0)) if present else 0.0
            yield from ((family, name, feature, feature.rarity * scale) for name, feature in present)


@functools.cache
def fitted_model() -> Model:
    """The table doctor ships."""
    return model_of(json.loads(_table()))


@functools.cache
def table_digest() -> str:
    """What tells the table from that of another fit: eight hexadecimal digits of its BLAKE2b."""
    return hashlib.blake2b(_table(), digest_size=4).hexdigest()


def _table() -> bytes:
    return (builtin_file().parent / "causes.json").read_bytes()


def model_of(data: Mapping[str, Any]) -> Model:
    """The model in the data of a table."""
    families = {
        family: (each["length"], {name: Feature(*feature) for name, feature in each["features"].items()}) for family, each in data["families"].items()
    }
    more, times = data["certainty"]
    return Model(data["intercepts"], data["signs"], data["sharpness"], (more, times), families)
