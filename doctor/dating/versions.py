"""What line numbers say about versions, put into the environment a text states."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from packaging.version import InvalidVersion, Version

from doctor.dating import Dating, covered_releases
from doctor.facts.environment import Distribution, Environment, InstallationFault, Unknown
from doctor.knowledge.matching import installed_version
from doctor.knowledge.matrix import parse_version


def with_dated_versions(environment: Environment, datings: Iterable[Dating], packages: Collection[str]) -> Environment:
    """The environment with what its tracebacks give away of the versions of `packages`.

    A version that nothing states is what the frames leave: one release, or several of which one ran. A stated version that the
    frames cannot come from is a fault of its own, and what ran goes before what was said.
    """
    for dating in datings:
        if dating.distribution in packages and dating.installed:
            environment = _with(environment, dating)
    return environment


def _with(environment: Environment, dating: Dating) -> Environment:
    name = dating.distribution
    there = environment.packages.get(name)
    stated = installed_version(there) if there is not None else None
    if dating.status == "modified":
        return _modified(environment, dating, there)
    if dating.status != "dated" or (stated is not None and (_among(stated, dating.candidates) or not _among(stated, covered_releases(name)))):
        return environment  # of a release the index does not hold, nothing contradicts the frames
    ran = Distribution(name, dating.candidates[0] if len(dating.candidates) == 1 else None, "frames", candidates=dating.candidates)
    changed = replace(
        environment,
        packages={**environment.packages, name: ran},
        sources={**environment.sources, f"packages.{name}.version": _source(dating)},
        unknown=(*(each for each in environment.unknown if each.fact != f"packages.{name}.version"), *_undecided(dating)),
    )
    if stated is None:
        return changed
    assert there is not None
    where = environment.sources.get(f"packages.{name}.version", "the text")
    detail = f"{name} {there.version} ({where}), but the traceback comes from {dating.summary}"
    return replace(changed, faults=(*changed.faults, InstallationFault("stated-version-contradicted", name, detail, there.version)))


def _modified(environment: Environment, dating: Dating, there: Distribution | None) -> Environment:
    """Frames of no release: what runs is not what a release number says, stated or not."""
    name = dating.distribution
    if there is not None and (there.origin != "index" or _is_development(there.version)):
        return environment
    unknown = Unknown(f"packages.{name}.source", dating.summary, important=there is None)
    return replace(environment, unknown=(*environment.unknown, unknown))


def _is_development(version: str | None) -> bool:
    try:
        return version is not None and parse_version(version).is_prerelease
    except InvalidVersion:
        return True


def _among(version: Version, releases: Iterable[str]) -> bool:
    return any(parse_version(each) == version for each in releases)


def _source(dating: Dating) -> str:
    return f"from {dating.frames} frame{'s' if dating.frames > 1 else ''} of the traceback"


def _undecided(dating: Dating) -> tuple[Unknown, ...]:
    if len(dating.candidates) == 1:
        return ()
    return (Unknown(f"packages.{dating.distribution}.version", f"the traceback leaves {dating.summary}"),)
