"""Several environments held against each other: what differs, riskiest first, and what is known to be wrong with only some of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.version import Version

from doctor.diagnosis.finding import SEVERITIES, Finding
from doctor.facts.environment import STACK, Environment
from doctor.facts.sizes import size
from doctor.knowledge.matching import installed_version
from doctor.knowledge.matrix import AffectedRange, Matrix

Risk = Literal["boundary", "stack", "build", "accelerator", "memory", "python", "platform", "variable", "package"]
RISKS: tuple[Risk, ...] = ("boundary", "stack", "build", "accelerator", "memory", "python", "platform", "variable", "package")
"""Riskiest first. `boundary`: between the versions, a known problem begins or ends; `stack`: another version of torch, transformers or
accelerate; `build`: torch for CUDA here, for the CPU there."""
NOTICEABLE = 0.10
"""Memory that differs by less is the same machine at another moment."""


@dataclass(frozen=True)
class Difference:
    """One fact that is not the same everywhere."""

    fact: str
    """Dotted name, as in the JSON report: `packages.torch.version`."""
    values: tuple[str, ...]
    """As each environment has it, in the order given: `not installed`, `unknown` where that is all that can be said."""
    risk: Risk
    """What kind of fact it is, `boundary` the riskiest: between the versions, a known problem begins or ends."""
    advisories: tuple[str, ...] = ()
    """For `boundary`: what holds in some of the versions and not in the others."""


@dataclass(frozen=True)
class FindingDifference:
    """A finding that not all of them have."""

    id: str
    """Of the advisory or fault."""
    severity: str
    """`silent`, `error` or `warning`."""
    title: str
    """What is wrong, in one line."""
    has: tuple[bool, ...]
    """Which of the environments have it, in the order given."""


def differences(environments: Sequence[Environment], matrix: Matrix) -> tuple[Difference, ...]:
    """What differs between the environments, riskiest first. What one of them does not say is no difference unless the others disagree."""
    found = [*_package_differences(environments, matrix), *_fact_differences(environments), *_memory_differences(environments)]
    return tuple(sorted(found, key=lambda each: (RISKS.index(each.risk), -len(each.advisories))))


def compared(environment: Environment) -> Mapping[str, str]:
    """By dotted name, what `differences` holds against other environments, but for memory and disk."""
    packages = {f"packages.{name}.version": _version(environment, name) for name in environment.packages}
    variables = {f"variables.{name}": value for name, value in environment.variables.items()}
    return {**packages, **_facts(environment), **variables, "variables": str(environment.variables_known), "packages": str(environment.partial)}


def finding_differences(findings: Sequence[Sequence[Finding]]) -> tuple[FindingDifference, ...]:
    """The findings that hold in some of the environments only; `findings` are each one's, worst first."""
    held = [{each.id for each in side if each.status != "cleared"} for side in findings]
    first: dict[str, Finding] = {}
    for side in findings:
        for each in side:
            first.setdefault(each.id, each)
    worst_first = sorted(first.values(), key=lambda each: (SEVERITIES.index(each.severity), each.id))
    found = ((each, tuple(each.id in ids for ids in held)) for each in worst_first)
    return tuple(FindingDifference(each.id, each.severity, each.title, has) for each, has in found if any(has) and not all(has))


def _package_differences(environments: Sequence[Environment], matrix: Matrix) -> Iterator[Difference]:
    names = dict.fromkeys([*STACK, *sorted({name for each in environments for name in each.packages})])
    for name in names:
        values = tuple(_version(each, name) for each in environments)
        if not _differ(values):
            continue
        crossed = tuple(_crossed(name, environments, matrix))
        risk: Risk = "boundary" if crossed else "stack" if name in STACK else "package"
        if risk == "stack" and len({value.partition("+")[0] for value in values}) == 1:
            risk = "build"
        yield Difference(f"packages.{name}.version", values, risk, crossed)


def _version(environment: Environment, name: str) -> str:
    distribution = environment.packages.get(name)
    if distribution is None:
        return "unknown" if environment.installed(name) is None else "not installed"
    origin = "" if distribution.origin == "index" else f" ({distribution.origin})"
    return f"{distribution.version or 'unknown'}{origin}"


def _crossed(name: str, environments: Sequence[Environment], matrix: Matrix) -> Iterator[str]:
    """The advisories whose ranges hold some of the versions and not the others."""
    versions = {version for each in environments if name in each.packages and (version := installed_version(each.packages[name])) is not None}
    for advisory in matrix.advisories:
        for affected in advisory.affected:
            if affected.package == name and len({_within(version, affected.ranges) for version in versions}) > 1:
                yield advisory.id


def _within(version: Version, ranges: Iterable[AffectedRange]) -> bool:
    return any(version in each for each in ranges)


def _fact_differences(environments: Sequence[Environment]) -> Iterator[Difference]:
    facts = [_facts(each) for each in environments]
    for fact, risk in _FACTS.items():
        values = tuple(each[fact] for each in facts)
        if _differ(values):
            yield Difference(fact, values, risk)
    for name in sorted({name for each in environments for name in each.variables}):
        values = tuple(each.variables.get(name, "not set" if each.variables_known else "unknown") for each in environments)
        if _differ(values):
            yield Difference(f"variables.{name}", values, "variable")


_FACTS: Mapping[str, Risk] = {
    "torch.cuda_built": "build",
    "torch.hip_built": "build",
    "torch.importable": "build",
    "torch.cuda_available": "accelerator",
    "accelerators": "accelerator",
    "drivers": "accelerator",
    "python.version": "python",
    "python.implementation": "python",
    "platform.system": "platform",
    "platform.machine": "platform",
    "platform.release": "platform",
}


def _facts(environment: Environment) -> Mapping[str, str]:
    torch = environment.torch
    asked = torch.importable is not None
    return {
        "torch.cuda_built": _said(torch.cuda_built, "none" if asked else None),
        "torch.hip_built": _said(torch.hip_built, "none" if asked else None),
        "torch.importable": _said(torch.importable),
        "torch.cuda_available": _said(torch.cuda_available),
        "accelerators": _said(_names(environment), "none" if torch.cuda_available is not None else None),
        "drivers": _said(", ".join(f"{each.vendor} {each.version or 'of unknown version'}" for each in environment.drivers) or None),
        "python.version": _said(environment.python.version),
        "python.implementation": _said(environment.python.implementation),
        "platform.system": _said(None if environment.platform.system == "unknown" else environment.platform.system),
        "platform.machine": _said(environment.platform.machine),
        "platform.release": _said(environment.platform.release),
    }


def _names(environment: Environment) -> str | None:
    """Each device once, as torch sees it, or the driver where torch sees none."""
    by_torch = [each.name for each in environment.accelerators if each.seen_by == "torch"]
    names = by_torch or [each.name for each in environment.accelerators]
    counts = {name: names.count(name) for name in names}
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in counts.items()) or None


def _memory_differences(environments: Sequence[Environment]) -> Iterator[Difference]:
    for fact, sizes in (
        ("memory.total", [each.memory.total for each in environments]),
        ("memory.limit", [each.memory.limit for each in environments]),
        ("disk.free", [each.disk.free for each in environments]),
    ):
        known = [each for each in sizes if each is not None]
        limited = fact == "memory.limit" and 0 < len(known) < len(sizes)
        if limited or (len(known) > 1 and max(known) - min(known) > NOTICEABLE * max(known)):
            none = "none" if fact == "memory.limit" else "unknown"
            yield Difference(fact, tuple(none if each is None else size(each) for each in sizes), "memory")


def _said(value: object, otherwise: str | None = None) -> str:
    return (otherwise or "unknown") if value is None else str(value)


def _differ(values: Sequence[str]) -> bool:
    return len({value for value in values if value != "unknown"}) > 1
