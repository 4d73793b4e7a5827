"""Does an advisory hold in an environment? Three answers: yes, no, and "cannot tell, for want of these facts"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from packaging.version import InvalidVersion, Version

from doctor.facts.environment import Distribution, Environment
from doctor.facts.frozen import Frozen, replace
from doctor.knowledge.matrix import Advisory, AffectedRange, Matrix, PackageCondition, parse_version

_DOUBTFUL_ORIGINS = {"vcs": "git", "editable": "an editable source tree", "directory": "a local directory"}


class Match(Frozen):
    """An advisory holds here, or may hold here."""

    package: str
    installed: str | None
    fixed_in: Version | None
    """The end of the range the installed version lies in; None where no release ends it, or the version is not known."""
    missing: tuple[str, ...]
    """The facts it would take to be sure, each with the reason. Empty: it holds."""
    only: str | None = None
    """When the installed release has it (`where the model is saved into several files`); None: in every shape of it."""


class _Missing(Frozen):
    fact: str


_Answer = bool | _Missing


def match(advisory: Advisory, environment: Environment) -> Match | None:
    """How `advisory` holds in `environment`; None when it does not."""
    matches = list(_affected_matches(advisory, environment))
    if not matches:
        return None
    conditions = list(_conditions(advisory, environment))
    if False in conditions:
        return None
    found = min(matches, key=lambda each: len(each.missing))
    missing = tuple(answer.fact for answer in conditions if isinstance(answer, _Missing))
    return replace(found, missing=missing + found.missing) if missing else found


def holding(environment: Environment, matrix: Matrix) -> frozenset[str]:
    """The ids of all advisories that hold in `environment`, or may."""
    return frozenset(each.id for each in matrix.advisories if match(each, environment) is not None)


def match_with(advisory: Advisory, environment: Environment, package: str, versions: int, place: Callable[[Version], int]) -> int:
    """With which of the `versions` that a package could have (so many) the advisory holds, or may hold, all else being as it is.

    Bit i stands for the i-th, oldest first; `place` is how many of them are older than a boundary.
    """

    def within(ranges: Sequence[AffectedRange]) -> int:
        bits = 0
        for each in ranges:
            start, end = place(each.introduced) if each.introduced else 0, place(each.fixed) if each.fixed else versions
            bits |= (1 << end) - (1 << start) if start < end else 0
        return bits

    everywhere = (1 << versions) - 1
    bits = 0
    for affected in advisory.affected:
        distribution = environment.packages.get(affected.package)
        if affected.package == package:
            bits |= within(affected.ranges)
        elif distribution is not None and _within(affected.ranges, distribution)[0]:
            bits |= everywhere
    for condition in advisory.when.packages:
        if condition.package == package:
            bits &= within(condition.ranges) if condition.ranges is not None else everywhere if condition.installed else 0
        elif bits and _package_condition(condition, environment) is False:
            return 0
    return bits if bits and False not in _other_conditions(advisory, environment) else 0


def installed_version(distribution: Distribution) -> Version | None:
    """The installed version in PEP 440 order without its local part; None when it is not known or not PEP 440's."""
    if distribution.version is None:
        return None
    try:
        return parse_version(distribution.version)
    except InvalidVersion:
        return None


def _affected_matches(advisory: Advisory, environment: Environment) -> Iterator[Match]:
    for affected in advisory.affected:
        distribution = environment.packages.get(affected.package)
        if distribution is None:
            continue
        answer, hit = _within(affected.ranges, distribution)
        if answer:
            missing = (answer.fact,) if isinstance(answer, _Missing) else ()
            version = installed_version(distribution)
            part = next((each for each in affected.partly if version is not None and version in each), None)
            yield Match(affected.package, distribution.version, hit.fixed if hit else None, missing, part.only if part else None)


def _within(ranges: Sequence[AffectedRange], distribution: Distribution) -> tuple[_Answer, AffectedRange | None]:
    """Whether the distribution's version lies in one of the ranges, and in which."""
    for each in ranges:
        if each.holds_every_version:
            return True, each
    version = installed_version(distribution)
    if version is None and distribution.candidates:
        return _all_within(ranges, distribution)
    if version is None:
        said = f" ({distribution.version!r} is not a PEP 440 version)" if distribution.version else ""
        return _Missing(f"the version of {distribution.name}{said}"), None
    hit = next((each for each in ranges if version in each), None)
    if hit is not None and distribution.origin in _DOUBTFUL_ORIGINS:
        source = _DOUBTFUL_ORIGINS[distribution.origin]
        return _Missing(f"what {distribution.name} holds: it comes from {source}, which may differ from release {version}"), hit
    return hit is not None, hit


def _all_within(ranges: Sequence[AffectedRange], distribution: Distribution) -> tuple[_Answer, AffectedRange | None]:
    """For a version known to be one of several: yes when all of them lie in a range, no when none does."""
    hits = [next((each for each in ranges if parse_version(version) in each), None) for version in distribution.candidates]
    inside = [version for version, hit in zip(distribution.candidates, hits, strict=True) if hit is not None]
    if len(inside) in (0, len(hits)):
        return bool(inside), hits[-1]
    outside = [version for version in distribution.candidates if version not in inside]
    said = f"{_shortened(inside)}, which {'has' if len(inside) == 1 else 'have'} it, or {_shortened(outside)}"
    return _Missing(f"which {distribution.name} ran: {said}"), next(hit for hit in hits if hit is not None)


def _shortened(versions: Sequence[str]) -> str:
    return ", ".join(versions) if len(versions) <= 3 else f"{versions[0]} ... {versions[-1]}"


def _conditions(advisory: Advisory, environment: Environment) -> Iterator[_Answer]:
    for condition in advisory.when.packages:
        yield _package_condition(condition, environment)
    yield from _other_conditions(advisory, environment)


def _other_conditions(advisory: Advisory, environment: Environment) -> Iterator[_Answer]:
    when = advisory.when
    if when.python:
        yield _python_condition(when.python, environment)
    if when.platform:
        system = environment.platform.system
        yield _Missing("the operating system") if system == "unknown" else system in when.platform
    if when.accelerator:
        kinds = accelerator_kinds(environment)
        yield _Missing("the accelerators torch can use") if kinds is None else bool(kinds.intersection(when.accelerator))
    for name, values in when.environment.items():
        yield _variable_condition(name, values, environment)


def _variable_condition(name: str, values: Sequence[str], environment: Environment) -> _Answer:
    value = environment.variables.get(name)
    if value is None and not environment.variables_known:
        return _Missing(f"whether {name} is set")
    return value is not None and (not values or value.lower() in [each.lower() for each in values])


def _package_condition(condition: PackageCondition, environment: Environment) -> _Answer:
    installed = environment.installed(condition.package)
    if installed is None:
        return _Missing(f"whether {condition.package} is installed{' in an affected version' if condition.ranges is not None else ''}")
    if condition.ranges is None:
        return installed is condition.installed
    return installed and _within(condition.ranges, environment.packages[condition.package])[0]


def _python_condition(ranges: Sequence[AffectedRange], environment: Environment) -> _Answer:
    try:
        version = parse_version(environment.python.version or "")
    except InvalidVersion:
        return _Missing("the version of Python")
    return any(version in each for each in ranges)


def accelerator_kinds(environment: Environment) -> set[str] | None:
    """What torch can compute on besides the CPU, `{"none"}` for nothing; None when torch, or the text, did not say."""
    torch = environment.torch
    kinds = set()
    if torch.cuda_available:
        kinds.add("rocm" if torch.hip_built else "cuda")
    if torch.mps_available:
        kinds.add("mps")
    if torch.xpu_available:
        kinds.add("xpu")
    mps_is_open = torch.mps_available is None and environment.platform.system in ("darwin", "unknown")
    return kinds or (None if torch.cuda_available is None or mps_is_open else {"none"})
