"""Environment and matrix in, Diagnosis out. Pure: no I/O, no clock, no printing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from doctor.facts.environment import STACK, Environment, InstallationFault, Unknown
from doctor.facts.observation import Observation
from doctor.knowledge.installation import KNOWN_FAULTS
from doctor.knowledge.matching import Match, installed_version, match
from doctor.knowledge.matrix import Advisory, Matrix, Severity
from doctor.knowledge.releases import Releases
from doctor.upgrade.plan import Change, Plan, movable, plan_upgrade

NO_UPGRADE_CURES = ("misuse", "resource")
"""Kinds of advisory whose ranges say how the problem shows, not where it is cured: the caller must change, or more memory be had."""
Status = Literal["affected", "confirmed", "cleared", "possible"]
"""`confirmed` and `cleared` when its reproducer was run here, and failed or passed."""
SEVERITIES: tuple[Severity, ...] = ("silent", "error", "warning")
"""Worst first: a model that computes with wrong weights and says nothing is worse than one that fails."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One advisory, or one fault of the installation, as it applies here."""

    id: str
    slug: str
    title: str
    kind: str
    """A kind of advisory, or `installation`."""
    severity: Severity
    status: Status
    package: str
    installed: str | None
    fixed_in: str | None
    """The release that ends the range the installed one lies in; None where no release does, and where no upgrade cures."""
    trigger: str
    remedy: str
    references: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """For `possible`: the facts it would take to be sure."""
    observed: str | None = None
    """What its reproducer saw here; None when it was not run."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which findings are asked for. An empty field asks for all."""

    packages: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()

    def admits(self, finding_id: str, package: str, severity: str) -> bool:
        """Whether a finding with these is asked for."""
        return (
            (not self.packages or package in self.packages)
            and (not self.ids or finding_id in self.ids)
            and (not self.severities or severity in self.severities)
        )


EVERYTHING = Narrowing()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """An environment held against a matrix."""

    environment: Environment
    matrix_version: str
    advisories: int
    """How many advisories the environment was held against."""
    findings: tuple[Finding, ...]
    """Worst first."""
    unknown: tuple[Unknown, ...]
    """What the probe could not have, and what the matrix does not cover."""
    plan: Plan = field(default_factory=lambda: Plan((), (), ()))
    observations: tuple[Observation, ...] = ()
    """What the reproducers saw that were run here."""

    @property
    def exit_code(self) -> int:
        """1 when anything was found. Else 2 when a fact that could have changed that was not had. Else 0."""
        if any(each.status != "cleared" for each in self.findings):
            return 1
        return 2 if any(each.important for each in self.unknown) else 0


def diagnose(
    environment: Environment,
    matrix: Matrix,
    releases: Releases,
    narrowing: Narrowing = EVERYTHING,
    observations: tuple[Observation, ...] = (),
) -> Diagnosis:
    """What of `matrix` holds in `environment`, and the upgrade that clears it. `observations` outweigh what the versions say.

    The upgrade is chosen as if no variable were set but those that are known to be: one that a text does not name seldom is.
    """
    seen = {each.id: each for each in observations}
    matches = _matches(environment, matrix)
    told = [(advisory, found) for advisory, found in matches if _told(advisory, found, environment)]
    asked = [(advisory, found) for advisory, found in told if narrowing.admits(advisory.id, found.package, advisory.severity)]
    assumed = replace(environment, variables_known=True)
    held = {advisory.id for advisory, _ in matches if match(advisory, assumed) is not None}
    curable = [advisory.id for advisory, _ in asked if advisory.id in held and advisory.kind not in NO_UPGRADE_CURES]
    plan = plan_upgrade(assumed, matrix, releases, held, [each for each in curable if not _cleared(seen.get(each))])
    findings = [_observed(_advisory_finding(advisory, found, plan, environment), seen.get(advisory.id)) for advisory, found in asked]
    faults = (fault_finding(fault) for fault in environment.faults)
    findings += [each for each in faults if narrowing.admits(each.id, each.package, each.severity)]
    unknown = tuple(dict.fromkeys((*environment.unknown, *_not_covered(environment, matrix, narrowing))))
    findings.sort(key=_worst_first)
    return Diagnosis(environment, matrix.version, len(matrix.advisories), tuple(findings), unknown, plan, observations)


def _matches(environment: Environment, matrix: Matrix) -> list[tuple[Advisory, Match]]:
    """Every advisory is about loading with torch: without torch, none can bite."""
    if environment.installed("torch") is False:
        return []
    found = ((advisory, match(advisory, environment)) for advisory in matrix.advisories)
    return [(advisory, each) for advisory, each in found if each is not None]


def _told(advisory: Advisory, found: Match, environment: Environment) -> bool:
    """False where a text names the package without its version: one line says so, not every advisory that some version has."""
    distribution = environment.packages[found.package]
    if distribution.version is not None or distribution.source != "text":
        return True
    ranges = next(affected.ranges for affected in advisory.affected if affected.package == found.package)
    return any(each.holds_every_version for each in ranges)


def _advisory_finding(advisory: Advisory, found: Match, plan: Plan, environment: Environment) -> Finding:
    ends = found.fixed_in is not None and advisory.kind not in NO_UPGRADE_CURES
    return Finding(
        id=advisory.id,
        slug=advisory.slug,
        title=advisory.title,
        kind=advisory.kind,
        severity=advisory.severity,
        status="possible" if found.missing else "affected",
        package=found.package,
        installed=found.installed,
        fixed_in=str(found.fixed_in) if ends else None,
        trigger=advisory.trigger,
        remedy=_remedy(advisory, found, plan, environment),
        references=advisory.references,
        missing=found.missing,
    )


def _cleared(observation: Observation | None) -> bool:
    return observation is not None and observation.verdict == "not reproduced"


def _observed(finding: Finding, observation: Observation | None) -> Finding:
    """The finding as its reproducer leaves it. One that could not tell changes nothing but is reported."""
    if observation is None:
        return finding
    status = finding.status
    if observation.verdict == "reproduced":
        status = "confirmed"
    elif _cleared(observation):
        status = "cleared"
    missing = finding.missing if status == "possible" else ()
    return replace(finding, status=status, missing=missing, observed=f"{observation.verdict}: {observation.detail}")


def _remedy(advisory: Advisory, found: Match, plan: Plan, environment: Environment) -> str:
    """What an upgrade does, what to do without one, what not to do."""
    upgrade = _upgrade_remedy(advisory, found, plan, environment)
    if advisory.workaround is None:
        parts = [upgrade, "No workaround is known."]
    elif _recommended(advisory, plan) is not None:
        parts = [upgrade, f"Without upgrading: {_sentence(advisory.workaround, capital=False)}"]
    else:
        parts = [upgrade, _sentence(advisory.workaround)]
    if advisory.avoid:
        parts.append(f"Avoid: {_sentence(advisory.avoid, capital=False)}")
    return " ".join(parts)


def _recommended(advisory: Advisory, plan: Plan) -> Change | None:
    """The recommended change that clears the advisory, None when none does."""
    return next((change for change in plan.changes if advisory.id in change.clears), None)


def _upgrade_remedy(advisory: Advisory, found: Match, plan: Plan, environment: Environment) -> str:
    """The upgrade to make, never just the release in which the problem ends: another may have begun there."""
    if advisory.kind in NO_UPGRADE_CURES:
        return "No upgrade cures this."
    change = _recommended(advisory, plan)
    if change is not None:
        return f"Upgrade {change.package} to {change.to}."
    if found.fixed_in is not None and not movable(environment.packages[found.package], environment):
        return f"Fixed in {found.package} {found.fixed_in}: install it in the build for this machine, which is left to you."
    if found.fixed_in is not None and match(advisory, replace(environment, variables_known=True)) is None:
        return f"Fixed in {found.package} {found.fixed_in}."
    if found.fixed_in is not None:
        return f"Fixed in {found.package} {found.fixed_in}, but no release with the fix can be recommended here."
    return f"No release of {found.package} fixes this yet."


def _sentence(text: str, capital: bool = True) -> str:
    """`text` with a full stop, and a capital unless it begins with code."""
    plain_word = re.match(r"^[a-z]{1,80}(?=[\s,;:])", text) is not None
    return (text[0].upper() + text[1:] if capital and plain_word else text) + ("" if text.endswith((".", "!", "?")) else ".")


def fault_finding(fault: InstallationFault) -> Finding:
    """A fault of the installation, or of what is said about it, as a finding."""
    known = KNOWN_FAULTS[fault.slug]
    return Finding(
        id=known.id,
        slug=fault.slug,
        title=known.title.format(package=fault.package),
        kind="installation",
        severity=known.severity,
        status="affected",
        package=fault.package,
        installed=fault.installed,
        fixed_in=None,
        trigger=fault.detail,
        remedy=known.remedy.format(package=fault.package),
        references=(known.reference,),
    )


def _not_covered(environment: Environment, matrix: Matrix, narrowing: Narrowing) -> list[Unknown]:
    """Installed packages about which the absence of findings says nothing."""
    uncovered = []
    for name, coverage in matrix.packages.items():
        distribution = environment.packages.get(name)
        if distribution is None or coverage.checked_up_to is None or (narrowing.packages and name not in narrowing.packages):
            continue
        version = installed_version(distribution)
        if version is None and any(each.fact == f"packages.{name}.version" and each.important for each in environment.unknown):
            continue
        if version is None:
            said = distribution.version
            reason = f"the version of {name}, {said!r}, is not a PEP 440 version" if said else f"the version of {name} could not be had"
        elif version > coverage.checked_up_to:
            reason = f"{name} {version} is not covered by this matrix (checked up to {coverage.checked_up_to})"
        else:
            continue
        uncovered.append(Unknown(f"findings.{name}", reason, important=True))
    if all(environment.installed(name) is False for name in STACK):
        uncovered.append(Unknown("findings", f"none of {', '.join(STACK)} is installed here: is this the environment you mean?", important=True))
    return uncovered


def _worst_first(finding: Finding) -> tuple[bool, int, bool, bool, str]:
    return (finding.status == "cleared", SEVERITIES.index(finding.severity), finding.kind != "installation", finding.status == "possible", finding.id)
