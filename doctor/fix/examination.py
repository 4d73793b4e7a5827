"""What is to be cured in an environment: seen before, and seen again after."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence

from doctor import probe
from doctor.diagnosis.aim import Aim, aim, assumed
from doctor.diagnosis.diagnosis import Diagnosis, diagnose, walks_into
from doctor.diagnosis.finding import Finding
from doctor.diagnosis.policy import Policy
from doctor.errors import DoctorError
from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen, replace
from doctor.facts.program import Program
from doctor.fix.home import Home
from doctor.fix.installer import Installer, installer_of
from doctor.fix.inventory import versions_of
from doctor.fix.proof import Seen
from doctor.fix.resolving import Answer, Case, prescribe, unverified
from doctor.knowledge.matching import holding, match
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.releases import known_releases
from doctor.reproduce import Observed, reproducers, run_reproducers
from doctor.upgrade.proposals import Weighing, proposals

Counting = Callable[[int], contextlib.AbstractContextManager[Callable[[int], None]]]
"""Entered with how many reproducers are to be run; what it gives is told how many have ended."""


class Examination(Frozen):
    """What was found before anything is changed."""

    environment: Environment
    diagnosis: Diagnosis
    aim: Aim
    """What is to be cured: what its reproducer passes here is not among it."""
    observed: Observed | None
    """What the reproducers saw, and what could be imported; None where there is nothing to cure."""


def examine(
    environment: Environment, matrix: Matrix, policy: Policy, only: Collection[str], program: Program | None, *, counting: Counting
) -> Examination:
    """Find what is to be cured: what counts by `policy`, or `only` these ids; each is run where it has a reproducer."""
    walks, before = walks_into(program, None, matrix), assumed(environment)
    held = holding(before, matrix)

    def wanted(finding: Finding) -> bool:
        return finding.id in only if only else policy.counts(finding)

    def aimed(diagnosis: Diagnosis) -> Aim:
        return aim(before, held, matrix, diagnosis.findings, wanted, met=walks, strict=False)

    diagnosis = diagnose(environment, matrix, known_releases(matrix), policy=policy, program=program)
    targets = aimed(diagnosis).targets
    if not targets:
        return Examination(environment, diagnosis, aimed(diagnosis), None)
    assert environment.python.executable is not None
    observed = _observed(environment.python.executable, targets, counting)
    diagnosis = diagnose(environment, matrix, known_releases(matrix), observations=observed.observations, policy=policy, program=program)
    return Examination(environment, diagnosis, aimed(diagnosis), observed)


def answer_for(examination: Examination, home: Home, matrix: Matrix, *, latest: bool) -> tuple[Case | None, Answer]:
    """What can be done about it; without an installer that can be asked, what the matrix alone says, and no case."""
    aimed = examination.aim
    weighing = Weighing(matrix, aimed.held, aimed.targets, aimed.tolerated)
    found = proposals(aimed.environment, weighing, known_releases(matrix), latest=latest)
    if not found:
        return None, Answer(None, ())
    inventory = home.inventory()
    try:
        installer = installer_of(examination.environment.manager.name, home, inventory)
    except DoctorError as error:
        return None, Answer(unverified(found, aimed.environment), (), str(error))
    case = Case(aimed.environment, home, inventory, installer, weighing)
    return case, prescribe(found, case)


def look(home: Home, matrix: Matrix, cures: Sequence[str], installer: Installer, counting: Counting) -> Seen:
    """The environment after a change that was to cure these."""
    environment = replace(probe.examine(home.executable, probe.Interest.of(matrix)), variables_known=True)
    observed = _observed(home.executable, cures, counting)
    return Seen(
        holding=tuple(each.id for each in matrix.advisories if match(each, environment) is not None),
        observations=observed.observations,
        versions=versions_of(home.inventory()),
        complaints=installer.check(),
        imports=observed.import_errors,
    )


def _observed(executable: str, ids: Sequence[str], counting: Counting) -> Observed:
    """What the reproducers of these see, as far as they have one; and what can be imported."""
    scripts = reproducers()
    with counting(len(ids)) as ended:
        return run_reproducers(executable, [scripts[each] for each in ids if each in scripts], ended=ended)
