"""What the reproducers did on real releases, and whether the matrix says the same. Read only where it is asked for."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from packaging.version import InvalidVersion, Version

from doctor.facts.observation import CONTROL, Verdict
from doctor.knowledge import schema
from doctor.knowledge.matrix import Advisory, AffectedRange, parse_version
from doctor.knowledge.matrix_file import builtin_file
from doctor.knowledge.releases import Release

FILE = builtin_file().parent / "evidence" / "runs.json"
VERDICTS: tuple[Verdict, ...] = ("not applicable", "not reproduced", "reproduced")
FINE: tuple[Verdict, ...] = ("not applicable", "not reproduced")


@dataclass(frozen=True)
class SweptEnvironment:
    """The environment a release was run in."""

    date: str
    """ISO 8601."""
    python: str
    packages: Mapping[str, str]
    """What it held besides: torch, the companions, what they depend on and the reproducers look at."""
    untestable: str | None
    """Why nothing could be run in it; None when it could."""


@dataclass(frozen=True)
class Runs:
    """What one reproducer did on the releases of one package."""

    reproducer: str
    """Its digest (`doctor.reproduce.digest`) when it was run."""
    seen: Mapping[str, tuple[str, ...]]
    """Labels of environments by what was seen there: `reproduced: KeyError: 'cpu'`, or of a reproducer with several shapes
    `reproduced [head-first]: KeyError: 'cpu'`. Numbers in it read `#`."""


@dataclass(frozen=True)
class Evidence:
    """The whole of `data/evidence/runs.json`."""

    schema_version: int
    environments: Mapping[str, Mapping[str, SweptEnvironment]]
    """By package and label: the release, and what it was run with besides its usual companions: `1.1.0 with transformers==5.0.0`."""
    runs: Mapping[str, Mapping[str, Runs]]
    """By advisory and package."""


@functools.cache
def known_evidence() -> Evidence:
    """The evidence doctor ships."""
    evidence: Evidence = schema.construct(Evidence, json.loads(FILE.read_text("utf-8")))
    return evidence


def release_of(label: str) -> Version:
    """The release an environment is labelled with."""
    return Version(label.partition(" ")[0])


def verdicts_by_environment(advisory: Advisory, package: str, evidence: Evidence) -> dict[str, Verdict]:
    """What the reproducer did in each environment of a package, by label, where the advisory's conditions on other packages hold.

    Elsewhere it is not at stake. An environment in which the reproducer could not tell, be it in one shape, is left out; where it failed in
    one shape and passed in another, it failed. The right way beside the wrong one (CONTROL) is no shape of the problem.
    """
    environments = evidence.environments.get(package, {})
    runs = evidence.runs.get(advisory.id, {}).get(package)
    seen = [(*_verdict_and_shape(said), labels) for said, labels in (runs.seen.items() if runs else ())]
    untold = {label for verdict, shape, labels in seen if verdict == "broken" and shape not in ("", CONTROL) for label in labels}
    found: dict[str, Verdict] = {}
    for known in VERDICTS:
        hidden = untold if known != "reproduced" else set()
        for verdict, shape, labels in seen:
            if verdict == known and shape != CONTROL:
                at_stake = (each for each in labels if each not in hidden and _at_stake(advisory, package, environments[each]))
                found.update(dict.fromkeys(at_stake, known))
    return found


def relevant_verdicts(advisory: Advisory, package: str, evidence: Evidence) -> dict[Version, Verdict]:
    """What the reproducer did on each release, oldest first. One that failed in one environment of a release and passed in another failed."""
    by_environment = verdicts_by_environment(advisory, package, evidence)
    found = {release_of(label): known for known in VERDICTS for label, verdict in by_environment.items() if verdict == known}
    return dict(sorted(found.items()))


def shapes_seen(advisory: Advisory, package: str, evidence: Evidence) -> dict[Version, dict[Verdict, set[str]]]:
    """By release, oldest first, the shapes in which the problem showed and those in which it did not, where it was at stake.

    A shape that failed in one environment of a release and passed in another failed.
    """
    environments = evidence.environments.get(package, {})
    runs = evidence.runs.get(advisory.id, {}).get(package)
    found: dict[Version, dict[Verdict, set[str]]] = {}
    for said, labels in runs.seen.items() if runs else ():
        verdict, shape = _verdict_and_shape(said)
        if verdict in ("reproduced", "not reproduced") and shape not in ("", CONTROL):
            for label in labels:
                if _at_stake(advisory, package, environments[label]):
                    by_verdict = found.setdefault(release_of(label), {"reproduced": set(), "not reproduced": set()})
                    by_verdict["reproduced" if verdict == "reproduced" else "not reproduced"].add(shape)
    for by_verdict in found.values():
        by_verdict["not reproduced"] -= by_verdict["reproduced"]
    return dict(sorted(found.items()))


def wrong_parts(advisory: Advisory, evidence: Evidence) -> Iterator[str]:
    """Releases on which some shapes failed and others passed, where the matrix does not say so (`affected.partly`), or says so wrongly."""
    for affected in advisory.affected:
        for version, seen in shapes_seen(advisory, affected.package, evidence).items():
            part = next((each for each in affected.partly if version in each), None)
            bad, good = seen["reproduced"], seen["not reproduced"]
            where = f"{advisory.id}: of {affected.package} {version}"
            if part is None and bad and good:
                yield f"{where} no part says that only these shapes fail: {', '.join(sorted(bad))}"
            elif part is not None and (not bad <= set(part.shapes) or good & set(part.shapes)):
                yield f"{where} a part says that {', '.join(part.shapes)} fail, and these did: {', '.join(sorted(bad))}"


def _verdict_and_shape(said: str) -> tuple[str, str]:
    verdict, _, shape = said.partition(": ")[0].partition(" [")
    return verdict, shape.removesuffix("]")


def _at_stake(advisory: Advisory, package: str, environment: SweptEnvironment) -> bool:
    for condition in advisory.when.packages:
        if condition.package == package:
            continue
        installed = environment.packages.get(condition.package)
        if condition.ranges is None:
            holds = (installed is not None) is condition.installed
        else:
            holds = installed is not None and any(_parsed(installed) in each for each in condition.ranges)
        if not holds:
            return False
    return True


def _parsed(version: str) -> Version:
    try:
        return parse_version(version)
    except InvalidVersion:
        return Version("0")


def contradictions(advisory: Advisory, evidence: Evidence) -> Iterator[str]:
    """Where the matrix claims what the runs deny, in any environment: a verdict that depends on a companion is a condition it does not name."""
    for affected in advisory.affected:
        by_environment = verdicts_by_environment(advisory, affected.package, evidence)
        for label, verdict in sorted(by_environment.items(), key=lambda each: (release_of(each[0]), each[0])):
            claimed = any(release_of(label) in each for each in affected.ranges)
            if verdict == "reproduced" and not claimed:
                yield f"{advisory.id}: reproduced on {affected.package} {label}, which no range holds"
            elif verdict == "not reproduced" and claimed:
                yield f"{advisory.id}: not reproduced on {affected.package} {label}, which a range holds"


def unseen(advisory: Advisory, evidence: Evidence) -> Iterator[str]:
    """Releases that a range claims although the reproducer does not apply there: nothing shows that the claim is right."""
    for affected in advisory.affected:
        for version, verdict in relevant_verdicts(advisory, affected.package, evidence).items():
            if verdict == "not applicable" and any(version in each for each in affected.ranges):
                yield f"{advisory.id}: not applicable on {affected.package} {version}, which a range holds"


def is_proved(advisory: Advisory, evidence: Evidence, releases: Mapping[str, Sequence[Release]]) -> bool:
    """Whether a reproducer was seen to fail and to pass, and every boundary lies between two neighbouring releases that were run."""
    for affected in advisory.affected:
        verdicts = relevant_verdicts(advisory, affected.package, evidence)
        if not {"reproduced", "not reproduced"} <= set(verdicts.values()):
            return False
        versions = [each.version for each in releases[affected.package] if not each.yanked]
        if any(not _is_seen(boundary, verdicts, versions) for boundary in _boundaries(affected.ranges)):
            return False
    return True


def is_controlled(advisory: Advisory, evidence: Evidence) -> bool:
    """Whether the right way passed in every environment where the wrong one failed, which no release can show that is always wrong."""
    found = False
    for runs in evidence.runs.get(advisory.id, {}).values():
        seen = [(*_verdict_and_shape(said), set(labels)) for said, labels in runs.seen.items()]
        wrong = {label for verdict, shape, labels in seen if verdict == "reproduced" and shape != CONTROL for label in labels}
        right = {label for verdict, shape, labels in seen if verdict == "not reproduced" and shape == CONTROL for label in labels}
        if not wrong <= right:
            return False
        found = found or bool(wrong)
    return found


def level_of(advisory: Advisory, evidence: Evidence, releases: Mapping[str, Sequence[Release]]) -> str:
    """The level an advisory may claim: what the runs show, else what it says itself without them."""
    if is_proved(advisory, evidence, releases):
        return "run"
    if is_controlled(advisory, evidence):
        return "controlled"
    return "reported" if advisory.evidence.level in ("run", "controlled") else advisory.evidence.level


@dataclass(frozen=True)
class _Boundary:
    first_after: Version
    begins: bool


def _boundaries(ranges: Sequence[AffectedRange]) -> Iterator[_Boundary]:
    for each in ranges:
        if each.introduced is not None:
            yield _Boundary(each.introduced, True)
        if each.fixed is not None:
            yield _Boundary(each.fixed, False)


def _is_seen(boundary: _Boundary, verdicts: Mapping[Version, Verdict], versions: Sequence[Version]) -> bool:
    """Whether the last release before it and the first from it on were run, and differ as it says."""
    for before, after in pairwise(versions):
        if before < boundary.first_after <= after:
            bad, good = (after, before) if boundary.begins else (before, after)
            return verdicts.get(bad) == "reproduced" and verdicts.get(good) in FINE
    return False
