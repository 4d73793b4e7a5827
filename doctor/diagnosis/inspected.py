"""Which known problems leave a model as it was found: the faults held against what the installed versions have. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.diagnosis.finding import SEVERITIES, Finding
from doctor.facts.frozen import Frozen, replace
from doctor.facts.inspection import Fault, Inspection
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.uses import VOCABULARY, Way, may_be_class

LATER = frozenset(
    (
        "move",
        "forward",
        "generate",
        "train",
        "trainer",
        "pipeline-device",
        "save",
        "save-bin",
        "resize-embeddings",
        "merge-adapter",
        "read-part-device",
        "state-dict-saved",
    )
)
"""What may be done with a model once it is loaded: where the trouble shows, not where it begins."""


class Situation(Frozen):
    """How the model came to be, in words of the vocabulary of uses."""

    holds: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    """Words that are known not to be so; of any other word nothing is known."""
    classes: tuple[str, ...] = ()
    """What it was loaded by, and what it was saved from."""


def freshly_loaded(inspection: Inspection, holds: Iterable[str], classes: tuple[str, ...]) -> Situation:
    """The situation of a model that was only loaded, in the way that `holds` says, and nothing else done to it."""
    words = frozenset(holds) | {"load"} | _seen(inspection)
    kinds = {"model"} if inspection.own_class else {"model", "class"}
    lacks = frozenset(word for word, each in VOCABULARY.items() if each.kind in kinds) - words - LATER
    return Situation(words, lacks | _not_seen(inspection, words), classes)


def found_as_is(inspection: Inspection) -> Situation:
    """The situation of a model that was given to doctor as it was: what was done to it is not known."""
    words = _seen(inspection)
    known = () if inspection.own_class else tuple(word for word, each in VOCABULARY.items() if each.kind == "class")
    return Situation(words, frozenset(known) | _not_seen(inspection, words), (inspection.class_,))


def _seen(inspection: Inspection) -> frozenset[str]:
    words = {"own-model"} if inspection.own_class else set()
    places = {each.where for each in inspection.tensors if each.where.startswith("offloaded")}
    words |= {"offloaded"} if places else set()
    words |= {"offloaded-to-disk"} if "offloaded to disk" in places else set()
    words |= {"tied"} if inspection.ties or any(each.kind == "tie-lost" for each in inspection.faults) else set()
    words |= {"head-in-file-differs"} if _two_in_file(inspection) else set()
    return frozenset(words)


def _two_in_file(inspection: Inspection) -> bool:
    """Whether the two of a pair that is to be tied are each as the files have them, from a tensor of its own."""
    source = {each.name: each.source for each in inspection.tensors if each.state == "as-in-file"}
    apart = [each.names for each in inspection.faults if each.kind == "tie-lost"]
    return any(all(name in source for name in names) and len({source[name] for name in names}) > 1 for names in apart)


def _not_seen(inspection: Inspection, words: frozenset[str]) -> frozenset[str]:
    unseen = {"head-in-file-differs"}
    if not any(each.kind == "on-meta" for each in inspection.faults):
        unseen |= {"offloaded", "offloaded-to-disk", "wholly-offloaded"}
    return frozenset(unseen) - words


def with_advisories(inspection: Inspection, findings: Iterable[Finding], matrix: Matrix, situation: Situation) -> Inspection:
    """The inspection with, at each fault, the advisories among `findings` that leave a model so and can have done it in this `situation`."""
    held = sorted((each for each in findings if each.status != "cleared"), key=lambda each: SEVERITIES.index(each.severity))
    possible = [each for each in held if _can_have_happened(each.id, matrix, situation)]
    return replace(inspection, faults=tuple(_advised(each, possible, matrix) for each in inspection.faults))


def exposed(inspection: Inspection, findings: Iterable[Finding], matrix: Matrix) -> tuple[str, ...]:
    """Ids of what bites a model of which a part is offloaded, when it is trained, saved or moved; none where nothing is."""
    words = {"offloaded", "offloaded-to-disk", "device-map-disk", "device-map", "device-map-auto"}
    places = {each.where for each in inspection.tensors if each.where.startswith("offloaded")}
    if not places:
        return ()
    found = []
    for each in findings:
        advisory = matrix.advisory(each.id)
        ways = advisory.uses.any_ if advisory is not None and advisory.uses is not None else ()
        if each.status != "cleared" and any(words & set(way.all_) and LATER & set(way.all_) for way in ways):
            found.append(each.id)
    return tuple(found)


def _advised(fault: Fault, findings: Iterable[Finding], matrix: Matrix) -> Fault:
    ids = [each.id for each in findings if (advisory := matrix.advisory(each.id)) is not None and fault.kind in advisory.leaves]
    return replace(fault, advisories=tuple(ids))


def _can_have_happened(advisory_id: str, matrix: Matrix, situation: Situation) -> bool:
    advisory = matrix.advisory(advisory_id)
    if advisory is None or not advisory.leaves:
        return False
    if advisory.when.environment and advisory.uses is not None and not advisory.uses.any_:
        return True
    ways = advisory.uses.any_ if advisory.uses is not None else ()
    return not ways or any(_is_open(way, situation) for way in ways)


def _is_open(way: Way, situation: Situation) -> bool:
    if set(way.all_) & situation.lacks or set(way.without) & situation.holds:
        return False
    return not way.classes or any(may_be_class(each, way.classes) is not False for each in situation.classes)
