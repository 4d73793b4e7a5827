"""Whether a change did what it was for, and broke nothing: what was so before it held against what is so after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from doctor.facts.frozen import Frozen
from doctor.facts.observation import Observation
from doctor.fix.snapshot import Journal


class Seen(Frozen):
    """What was found after the change."""

    holding: tuple[str, ...]
    """Ids of the advisories that hold, by version."""
    observations: tuple[Observation, ...]
    """What the reproducers saw of what was to be cured."""
    versions: Mapping[str, str]
    """What is installed, by normalised name."""
    complaints: tuple[str, ...]
    """What the installer's own `check` says, a line each."""
    imports: Mapping[str, str]
    """By package why it cannot be imported; empty where it can."""


class Proof(Frozen):
    """What was seen after the change."""

    cured: tuple[str, ...]
    """Ids of findings that do not hold any more."""
    not_cured: tuple[str, ...]
    """Ids of findings that were to be cured, and hold still."""
    faults: tuple[str, ...]
    """What is worse than before, a sentence each."""

    @property
    def holds(self) -> bool:
        """Whether everything that was promised came true."""
        return not self.not_cured and not self.faults


def prove(journal: Journal, seen: Seen) -> Proof:
    """Hold what was promised against what is."""
    observed = {each.id: each for each in seen.observations}
    not_cured = {each: None for each in journal.cures if each in seen.holding}
    faults = []
    for each in journal.cures:
        verdict = observed[each].verdict if each in observed else "not reproduced"
        if verdict == "reproduced":
            not_cured[each] = None
        elif verdict == "broken" and each in journal.reproduced:
            faults.append(f"the reproducer of {each} failed before and cannot be run now: {observed[each].detail}")
    faults += _worse(journal, seen)
    return Proof(tuple(each for each in journal.cures if each not in not_cured), tuple(not_cured), tuple(faults))


def _worse(journal: Journal, seen: Seen) -> Iterator[str]:
    for step in journal.steps:
        if seen.versions.get(step.package) != step.to:
            yield f"{step.package} is {seen.versions.get(step.package, 'not there')}, not {step.to}"
    before = {_need(each) for each in journal.complaints}
    yield from (each for each in seen.complaints if _need(each) not in before)
    for each in journal.importable:
        if seen.imports.get(each):
            yield f"{each} could be imported before, and cannot now: {seen.imports[each]}"


def _need(complaint: str) -> str:
    """What is needed, without what there is instead: of both installers' words that stands behind "but"."""
    return complaint.partition(", but ")[0]
