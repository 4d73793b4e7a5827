"""Whether a set of distributions satisfies what they declare, as `pip check` would find; pure, and so for a set that is not installed yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from doctor.facts.frozen import Frozen
from doctor.knowledge.matrix import normalised_name


class Complaint(Frozen):
    """Something that a distribution declares that it needs, and has not."""

    dependent: str
    """Which declares it."""
    requirement: str
    """What it declares."""
    package: str
    """What it needs."""
    found: str | None
    """The version there would be; None where there would be none."""

    @property
    def sentence(self) -> str:
        """For people."""
        there = f"there is {self.package} {self.found}" if self.found else f"{self.package} is not there"
        return f"{self.dependent} needs {self.requirement}, but {there}"


def complaints(declared: Mapping[str, tuple[str, ...]], versions: Mapping[str, str], markers: Mapping[str, str]) -> tuple[Complaint, ...]:
    """What of `declared` (requirements by distribution) the `versions` do not satisfy in a Python that `markers` describe.

    An extra counts where some distribution asks for it. What cannot be parsed is passed over, as pip does.
    """
    parsed = {name: tuple(_parsed(lines)) for name, lines in declared.items() if name in versions}
    extras: dict[str, set[str]] = {name: set() for name in parsed}
    grown = True
    while grown:
        grown = False
        for name, requirements in parsed.items():
            for each in requirements:
                wanted = extras.get(normalised_name(each.name))
                if wanted is not None and not each.extras <= wanted and _applies(each, extras[name], markers):
                    wanted |= each.extras
                    grown = True
    found = (_complaint(name, each, versions) for name in parsed for each in parsed[name] if _applies(each, extras[name], markers))
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _parsed(lines: tuple[str, ...]) -> Iterator[Requirement]:
    for line in lines:
        try:
            yield Requirement(line)
        except InvalidRequirement:
            continue


def _applies(requirement: Requirement, extras: set[str], markers: Mapping[str, str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**markers, "extra": extra}) for extra in ("", *extras))


def _complaint(name: str, requirement: Requirement, versions: Mapping[str, str]) -> Complaint | None:
    package = normalised_name(requirement.name)
    version = versions.get(package)
    if version is None:
        return Complaint(name, _shown(requirement), package, None)
    try:
        satisfied = requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return None
    return None if satisfied else Complaint(name, _shown(requirement), package, version)


def _shown(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"
