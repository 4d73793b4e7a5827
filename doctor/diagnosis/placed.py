"""Which known problems a placement walks into: what loading it so does and leaves, held against what an advisory needs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from doctor.diagnosis.finding import SEVERITIES
from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen
from doctor.facts.model import Model
from doctor.facts.placement import Placement
from doctor.knowledge.matching import match
from doctor.knowledge.matrix import Matrix, Severity
from doctor.knowledge.uses import VOCABULARY, Way, may_be_class

LEFT = frozenset(("offloaded", "offloaded-to-disk", "wholly-offloaded"))
"""The words of the vocabulary of uses that a placement answers."""

_OTHER_WAYS = frozenset(
    ("load-automodel", "load-diffusers", "load-sentence-transformer", "load-peft", "load-checkpoint", "dispatch", "cpu-offload", "disk-offload")
)
"""Other ways to load a model than from_pretrained: what they take is not about this load."""


class Met(Frozen):
    """One known problem."""

    id: str
    """Of the advisory."""
    severity: Severity
    """`silent`: wrong weights without an error."""
    title: str
    """What it is, in one line."""
    needs: tuple[str, ...]
    """What else it takes, in the words of the vocabulary of uses; empty where loading it so is enough."""


def map_words(devices: Collection[str]) -> frozenset[str]:
    """The words of the vocabulary of uses for a device map that is written out, by the devices that stand in it."""
    said = {"device-map-disk"} if "disk" in devices else set()
    said |= {"device-map-cpu"} if "cpu" in devices and len(set(devices)) > 1 else set()
    said |= {"device-map-all-disk"} if set(devices) == {"disk"} else set()
    return frozenset(said)


def words_of(placed: Placement) -> tuple[frozenset[str], frozenset[str]]:
    """The words of the vocabulary of uses that a placement makes true, and those that it makes false."""
    devices = set(placed.devices)
    holds = set()
    if placed.on_meta.tensors:
        holds.add("offloaded")
    if "disk" in devices:
        holds.add("offloaded-to-disk")
    if devices == {"disk"}:
        holds.add("wholly-offloaded")
    return frozenset(holds), LEFT - holds


def met_by(placed: Placement, done: Collection[str], model: Model, environment: Environment, matrix: Matrix) -> tuple[Met, ...]:
    """The advisories that hold in the environment and need something that this placement leaves, the worst and nearest first.

    `done` are the words for how it is loaded; what neither they nor the checkpoint say stands in `needs`.
    """
    left, _ = words_of(placed)
    known = left | set(done) | model.holds
    found = []
    for advisory in matrix.advisories:
        if advisory.uses is None or match(advisory, environment) is None:
            continue
        needed = (_needs(way, left, known, placed.model_class) for way in advisory.uses.any_)
        ways = [each for each in needed if each is not None and not model.lacks & set(each)]
        if ways:
            found.append(Met(advisory.id, advisory.severity, advisory.title, min(ways, key=len)))
    return tuple(sorted(found, key=lambda each: (len(each.needs) > 0, SEVERITIES.index(each.severity), each.id)))


def _needs(way: Way, left: frozenset[str], known: Iterable[str], model_class: str | None) -> tuple[str, ...] | None:
    """What a way takes beside what is known; None where it has nothing to do with the placement, or is not open to this class."""
    if not left & set(way.all_):
        return None
    if way.classes and model_class is not None and may_be_class(model_class, way.classes) is False:
        return None
    lacking = tuple(each for each in way.all_ if each not in set(known))
    if any(VOCABULARY[each].kind == "class" for each in lacking) or (LEFT | _OTHER_WAYS) & set(lacking):
        return None
    return lacking


def refuses_whole_disk(environment: Environment, matrix: Matrix) -> bool:
    """Whether a known problem of these releases is that they do not load a model of which everything goes to the disk."""
    ways = ((advisory, way) for advisory in matrix.advisories if advisory.uses is not None for way in advisory.uses.any_)
    return any("wholly-offloaded" in way.all_ and match(advisory, environment) is not None for advisory, way in ways)
