"""Environment and matrix in, Diagnosis out. Pure: no I/O, no clock, no printing."""

from __future__ import annotations

from collections.abc import Collection

from doctor.diagnosis.aim import Aim, aim, assumed
from doctor.diagnosis.concern import concern_of
from doctor.diagnosis.finding import CONCERNS, EVERYTHING, SEVERITIES, Finding, Narrowing
from doctor.diagnosis.policy import CONCERN_COUNTS, Policy
from doctor.diagnosis.program import Walk, walk_into
from doctor.diagnosis.remedy import NO_UPGRADE_CURES, remedy_for
from doctor.facts.environment import STACK, Environment, InstallationFault, Unknown
from doctor.facts.frozen import Frozen, replace
from doctor.facts.model import Model
from doctor.facts.observation import Observation
from doctor.facts.program import Program
from doctor.knowledge.installation import KNOWN_FAULTS
from doctor.knowledge.matching import Match, installed_version, match
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.knowledge.releases import Releases
from doctor.knowledge.schema import shown
from doctor.upgrade.plan import NO_PLAN, Plan, plan_upgrade
from doctor.upgrade.proposals import Weighing, proposals


class Diagnosis(Frozen):
    """An environment held against a matrix."""

    environment: Environment
    matrix_version: str
    advisories: int
    """How many advisories the environment was held against."""
    matrix_source: str
    """Where that matrix comes from, for people."""
    findings: tuple[Finding, ...]
    """What concerns somebody first, and of that the worst."""
    unknown: tuple[Unknown, ...]
    """What the probe could not have, and what the matrix does not cover."""
    plan: Plan = NO_PLAN
    """The upgrade for what counts."""
    outlook: Plan = NO_PLAN
    """What upgrades would do for the exposures: told, not recommended."""
    fixable: tuple[str, ...] = ()
    """Ids of what counts and some change of releases clears, older ones and several at once among them: what `doctor fix` goes about."""
    observations: tuple[Observation, ...] = ()
    """What the reproducers saw that were run here."""
    policy: Policy = CONCERN_COUNTS
    """What counts."""
    program: Program | None = None
    """What was read of the program that was shown; None when none was."""

    @property
    def counted(self) -> tuple[Finding, ...]:
        """The findings that make the check fail."""
        return tuple(each for each in self.findings if self.policy.counts(each))

    @property
    def exit_code(self) -> int:
        """1 when anything was found that counts. Else 2 when a fact that could have changed that was not had, or a file not read. Else 0."""
        if self.counted:
            return 1
        unread = self.program is not None and any(each.line == 0 for each in self.program.unread)
        return 2 if unread or any(each.important for each in self.unknown) else 0

    def __str__(self) -> str:
        from doctor.diagnosis.summary import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from doctor.diagnosis.summary import as_html

        return as_html(self)


def diagnose(
    environment: Environment,
    matrix: Matrix,
    releases: Releases,
    narrowing: Narrowing = EVERYTHING,
    observations: tuple[Observation, ...] = (),
    *,
    policy: Policy = CONCERN_COUNTS,
    symptoms: Collection[str] = (),
    program: Program | None = None,
    model: Model | None = None,
) -> Diagnosis:
    """What of `matrix` holds in `environment`, whom it concerns, and the upgrade for what counts.

    `observations` outweigh what the versions say; `symptoms` are the ids of advisories that a failure was seen to be a case of;
    `program` is what was read of a program that is run here (None: none was shown), and `model` what it loads. Upgrades are chosen as if
    no variable were set but those that are known to be: one that a text does not name seldom is.
    """
    seen = {each.id: each for each in observations}
    walks = walks_into(program, model, matrix)
    here, before = _with_variables(environment, program), assumed(environment)
    matches = _matches(here, matrix)
    held = frozenset(advisory.id for advisory, _ in (matches if before == here else _matches(before, matrix)))
    told = [(advisory, found) for advisory, found in matches if _told(advisory, found, environment)]
    asked = [(advisory, found) for advisory, found in told if narrowing.admits(advisory.id, found.package, advisory.severity)]
    drafts = [
        (advisory, found, _waived(_draft(advisory, found, environment, seen.get(advisory.id), symptoms, walk=walks.get(advisory.id)), policy))
        for advisory, found in asked
    ]
    drafted = [each for _, _, each in drafts]
    counted = aim(before, held, matrix, drafted, policy.counts, met=walks, strict=policy.strict)
    others = aim(before, held, matrix, drafted, lambda each: _counts_not(each, policy), met=walks, strict=True)
    plan, outlook = _plan(counted, matrix, releases), _plan(others, matrix, releases)
    changes = {each: change for change in (*plan.changes, *outlook.changes) for each in change.clears}
    findings = [replace(draft, remedy=remedy_for(advisory, found, changes.get(draft.id), environment, held)) for advisory, found, draft in drafts]
    faults = (_waived(fault_finding(fault), policy) for fault in environment.faults)
    findings += [each for each in faults if narrowing.admits(each.id, each.package, each.severity)]
    findings.sort(key=_nearest_and_worst_first)
    unknown = tuple(dict.fromkeys((*environment.unknown, *_not_covered(environment, matrix, narrowing))))
    return Diagnosis(
        environment=environment,
        matrix_version=matrix.version,
        advisories=len(matrix.advisories),
        matrix_source=matrix.source,
        findings=tuple(findings),
        unknown=unknown,
        plan=plan,
        outlook=outlook,
        fixable=_fixable(counted, plan, matrix, releases),
        observations=observations,
        policy=policy,
        program=program,
    )


def _counts_not(finding: Finding, policy: Policy) -> bool:
    return finding.waived is None and not policy.counts(finding)


def _fixable(aimed: Aim, plan: Plan, matrix: Matrix, releases: Releases) -> tuple[str, ...]:
    """What the plan clears; where it clears nothing, what any set of releases does."""
    kept = plan.remaining
    if aimed.targets and not plan.changes:
        best = next(iter(proposals(aimed.environment, Weighing(matrix, aimed.held, aimed.targets, aimed.tolerated), releases)), None)
        kept = best.keeps if best is not None else aimed.targets
    return tuple(each for each in aimed.targets if each not in kept)


def _plan(aimed: Aim, matrix: Matrix, releases: Releases) -> Plan:
    return plan_upgrade(aimed.environment, matrix, releases, aimed.held, aimed.targets, tolerated=aimed.tolerated)


def walks_into(program: Program | None, model: Model | None, matrix: Matrix) -> dict[str, Walk]:
    """How a program (None: none was shown) that loads `model` sets advisories off, or may, by their ids."""
    if program is None:
        return {}
    walks = ((advisory.id, walk_into(advisory, program, model)) for advisory in matrix.advisories)
    return {advisory_id: walk for advisory_id, walk in walks if walk is not None}


def _with_variables(environment: Environment, program: Program | None) -> Environment:
    """The environment as the program finds it: with the variables that it sets itself."""
    if program is None or not program.variables:
        return environment
    return replace(environment, variables={each.name: each.value for each in program.variables} | dict(environment.variables))


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


def _draft(
    advisory: Advisory,
    found: Match,
    environment: Environment,
    observation: Observation | None,
    symptoms: Collection[str],
    *,
    walk: Walk | None,
) -> Finding:
    """The finding without its remedy, which depends on the plan."""
    ends = found.fixed_in is not None and advisory.kind not in NO_UPGRADE_CURES
    finding = Finding(
        id=advisory.id,
        slug=advisory.slug,
        title=advisory.title,
        kind=advisory.kind,
        severity=advisory.severity,
        status="possible" if found.missing else "affected",
        concerns=concern_of(advisory, environment, observation, symptoms, walk, sure=not found.missing),
        package=found.package,
        installed=found.installed,
        fixed_in=str(found.fixed_in) if ends else None,
        trigger=advisory.trigger,
        remedy="",
        references=advisory.references,
        missing=(*found.missing, *(walk.missing if walk is not None else ())),
        places=walk.places if walk is not None else (),
    )
    return _observed(finding, observation)


def _waived(finding: Finding, policy: Policy) -> Finding:
    waiver = policy.waiver(finding)
    return finding if waiver is None else replace(finding, waived=waiver)


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
    missing = finding.missing if status in ("possible", finding.status) else ()
    return replace(finding, status=status, missing=missing, observed=f"{observation.verdict}: {observation.detail}")


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
        concerns="environment",
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
            reason = f"the version of {name}, {shown(said)}, is not a PEP 440 version" if said else f"the version of {name} could not be had"
        elif version > coverage.checked_up_to:
            reason = f"{name} {version} is not covered by this matrix (checked up to {coverage.checked_up_to}); doctor confirm tries it there"
        else:
            continue
        uncovered.append(Unknown(f"findings.{name}", reason, important=True))
    if all(environment.installed(name) is False for name in STACK):
        uncovered.append(Unknown("findings", f"none of {', '.join(STACK)} is installed here: is this the environment you mean?", important=True))
    return uncovered


def _nearest_and_worst_first(finding: Finding) -> tuple[bool, int, int, bool, bool, str]:
    return (
        finding.status == "cleared",
        CONCERNS.index(finding.concerns),
        SEVERITIES.index(finding.severity),
        finding.kind != "installation",
        finding.status == "possible",
        finding.id,
    )
