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
from dataclasses import dataclass, field
from typing import Any

from doctor.explain.explanation import NOT_OURS, UNKNOWN
from doctor.knowledge.matrix_file import builtin_file

MOST_OF_SIGNS = 3.0
"""What signs say makes a cause no surer from there on, in log odds."""
Seen = Mapping[str, frozenset[str]]
"""What was seen, by family."""


@dataclass(frozen=True)
class Feature:
    """One thing that may be seen."""

    rarity: float
    """Its inverse document frequency: what most reports hold says little."""
    coefficients: Mapping[str, float]
    """By cause; one that is not there is 0."""
    kinds: Mapping[str, float] = field(default_factory=dict)
    """By kind of cause, the same."""


@dataclass(frozen=True)
class Family:
    """Features of one sort: words, functions of tracebacks, ..."""

    length: float
    """What is seen of them is brought to, as a vector, however much it is."""
    least: float
    """The length from which on: less counts for less."""
    features: Mapping[str, Feature]
    """By name."""


@dataclass(frozen=True)
class Model:
    """The table."""

    intercepts: Mapping[str, float]
    """By cause, `not-ours` among them."""
    signs: float
    """How much of a sign's own weight counts (0: nothing, 1: all)."""
    sharpness: float
    """What scores are multiplied by before they share what certainty there is."""
    certainty: tuple[float, float, float, float]
    """To the log odds of the first being right: what is added, and what those of its share, those of "unknown" and what its signs say are
    multiplied with."""
    kinds: Mapping[str, Mapping[str, float]]
    """By cause, how likely it is to be of each kind (a bug, misuse, ...) before anything was seen, in log odds."""
    families: Mapping[str, Family]

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

    def kinds_of(self, seen: Seen) -> dict[str, str]:
        """By cause, the kind that it is here, if it is the cause: an offloaded model is moved by its user here, by a library there."""
        said = dict.fromkeys(next(iter(self.kinds.values()), ()), 0.0)
        for _, _, feature, size in self._present(seen):
            for kind, coefficient in feature.kinds.items():
                said[kind] += coefficient * size
        return {cause: max(before, key=lambda kind: before[kind] + said[kind]) for cause, before in self.kinds.items()}

    def sure_of(self, share: float, unknown: float, signs: float) -> float:
        """How sure one may be of a cause that is first with this share, where "unknown" has that one, and its signs say so much for it (log
        odds): shares say how causes stand to each other, not whether the text tells."""
        more, by_share, by_unknown, by_signs = self.certainty
        odds = more + by_share * log_odds(share) + by_unknown * log_odds(unknown) + by_signs * min(max(signs, 0.0), MOST_OF_SIGNS)
        return 1 / (1 + math.exp(-odds))

    def _present(self, seen: Seen) -> Iterator[tuple[str, str, Feature, float]]:
        """The features that were seen: family, name, and its size in the sum."""
        for family, known in self.families.items():
            present = [(name, known.features[name]) for name in sorted(seen.get(family, ())) if name in known.features]
            scale = known.length / max(math.sqrt(sum(feature.rarity**2 for _, feature in present)), known.least)
            yield from ((family, name, feature, feature.rarity * scale) for name, feature in present)


def log_odds(share: float) -> float:
    """Of a share that is neither nothing nor all, as none that was measured is."""
    share = min(max(share, 1e-4), 1 - 1e-4)
    return math.log(share / (1 - share))


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
        name: Family(each["length"], each["least"], {feature: Feature(*row) for feature, row in each["features"].items()})
        for name, each in data["families"].items()
    }
    more, by_share, by_unknown, by_signs = data["certainty"]
    return Model(data["intercepts"], data["signs"], data["sharpness"], (more, by_share, by_unknown, by_signs), data["kinds"], families)
