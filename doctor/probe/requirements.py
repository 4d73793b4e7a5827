"""What installed distributions declare about packages, as far as it can be made out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from doctor.facts.environment import Requirement, Unknown
from doctor.knowledge.matrix import normalised_name
from doctor.probe.deadline import Deadline
from doctor.probe.records import Record

if TYPE_CHECKING:
    from packaging.markers import Marker

_MOST_CHARACTERS = 1000
_MOST = 2000
"""Ten times as many as hundreds of distributions declare about the packages a matrix speaks of."""


def declared_requirements(
    records: Sequence[Record], wanted: frozenset[str], python: str | None, deadline: Deadline
) -> tuple[list[Requirement], list[Unknown]]:
    """What installed distributions declare about the packages wanted (extras left out: whether they are used is not recorded)."""
    found: list[Requirement] = []
    reasons: list[str] = []
    unreadable = dict.fromkeys(record.name for record in records if record.problem == "unreadable")
    first_of_name: dict[str, Record] = {}
    for record in records:
        first_of_name.setdefault(record.name, record)
    for record, line in ((each, line) for each in first_of_name.values() for line in each.requires):
        name = re.split(r"[^A-Za-z0-9._-]", line[:_MOST_CHARACTERS], maxsplit=1)[0]
        if normalised_name(name) not in wanted or "extra" in line:
            continue
        if len(found) >= _MOST or deadline.passed:
            reasons.append(f"only the first {len(found)} were looked at")
            break
        try:
            requirement = _requirement(record.name, name, line, python)
        except (ValueError, RecursionError):
            unreadable[record.name] = None
        else:
            found += [requirement] if requirement is not None else []
    if unreadable:
        others = f" and {len(unreadable) - 5} others" if len(unreadable) > 5 else ""
        reasons.append(f"what {', '.join(list(unreadable)[:5])}{others} need of these packages cannot be read")
    return found, [Unknown("requirements", reason) for reason in reasons]


def _requirement(dependent: str, name: str, line: str, python: str | None) -> Requirement | None:
    """What one line asks of the package `name`, None where it sets no limit or does not count in the patient's Python (None: not known).

    Raises ValueError or RecursionError where nothing can be made of it.
    """
    if len(line) > _MOST_CHARACTERS:
        raise ValueError(f"longer than {_MOST_CHARACTERS} characters")
    specifier = _specifier(line, line[len(name) :], python)
    return Requirement(dependent, normalised_name(name), str(specifier)) if specifier else None


def _specifier(line: str, after_name: str, python: str | None) -> SpecifierSet | None:
    if not any(each in after_name for each in ";@["):  # as nearly all lines that count
        return SpecifierSet(after_name.strip(" ()"))
    # It takes longer to import than everything installed takes to be read.
    from packaging.requirements import Requirement as Requires

    requires = Requires(line)
    return requires.specifier if _applies(requires.marker, python) else None


def _applies(marker: Marker | None, python: str | None) -> bool:
    """Whether a requirement counts in the patient's Python; where that is not known, it does."""
    if marker is None or python is None:
        return True
    try:
        return marker.evaluate({"python_version": ".".join(python.split(".")[:2]), "python_full_version": python})
    except ValueError:  # Undefined in one way or another.
        return True
