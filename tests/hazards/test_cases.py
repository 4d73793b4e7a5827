"""Every advisory that a program can set off, with a small program that does, and its twin that does not.

The cases stand in `cases.txt`: `== IDS`, a program, `-- twin`, a program. They are written as their users would write them, and share
nothing with our reproducers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.diagnosis.diagnosis import diagnose
from doctor.diagnosis.finding import Finding
from doctor.facts.environment import Environment
from doctor.facts.program import Program
from doctor.hazards.scan import read_program
from doctor.knowledge.matching import match
from doctor.knowledge.matrix import Advisory, AffectedRange
from doctor.knowledge.matrix_file import builtin_matrix
from tests.environments import environment

TEXT = (Path(__file__).parent / "cases.txt").read_text("utf-8")
MATRIX = builtin_matrix()
EVERYWHERE = {"torch": "2.13.0", "transformers": "5.24.0", "accelerate": "1.15.0"}


def cases() -> Iterator[tuple[str, Program, Program]]:
    for block in re.split(r"(?m)^== ", TEXT)[1:]:
        head, _, programs = block.partition("\n")
        program, _, twin = programs.partition("-- twin\n")
        for advisory_id in re.findall(r"MT\d+", head):
            yield advisory_id, read_program(program.encode(), "program.py"), read_program(twin.encode(), "twin.py")


CASES = list(cases())


def affected_environment(advisory: Advisory) -> Environment:
    """An environment with the newest release that has it, and what else it needs but variables."""
    versions = dict(EVERYWHERE)
    for condition in advisory.when.packages:
        versions[condition.package] = _inside(condition.ranges[-1]) if condition.ranges else "1.0"
    affected = advisory.affected[0]
    versions[affected.package] = _inside(affected.ranges[-1])
    return environment(**{name.replace("-", "_"): version for name, version in versions.items()})


def _inside(each: AffectedRange) -> str:
    """A version in a range: its beginning, or shortly before its end."""
    if each.introduced is not None:
        return str(each.introduced)
    return f"{each.fixed}.dev1" if each.fixed is not None else "99.0"


def finding(advisory: Advisory, program: Program) -> Finding | None:
    found = diagnose(affected_environment(advisory), MATRIX, {}, program=program).findings
    return next((each for each in found if each.id == advisory.id), None)


def advisory(advisory_id: str) -> Advisory:
    found = MATRIX.advisory(advisory_id)
    assert found is not None
    return found


def test_every_advisory_that_a_program_can_set_off_has_a_case() -> None:
    needed = {each.id for each in MATRIX.advisories if each.uses is not None and each.uses.any_}
    assert needed == {advisory_id for advisory_id, _, _ in CASES}


@pytest.mark.parametrize(("advisory_id", "program", "twin"), CASES, ids=[each[0] for each in CASES])
def test_the_program_is_told_of_it_and_its_twin_is_not(advisory_id: str, program: Program, twin: Program) -> None:
    told = finding(advisory(advisory_id), program)
    assert told is not None
    assert told.concerns in ("program", "possible-use")
    assert told.places
    untold = finding(advisory(advisory_id), twin)
    assert untold is None or untold.concerns == "exposure"


@pytest.mark.parametrize(("advisory_id", "program"), [each[:2] for each in CASES], ids=[each[0] for each in CASES])
def test_nobody_is_told_on_a_release_with_the_fix(advisory_id: str, program: Program) -> None:
    affected = advisory(advisory_id).affected[0]
    fixed = affected.ranges[-1].fixed
    if fixed is None:
        assert match(advisory(advisory_id), affected_environment(advisory(advisory_id))) is not None or advisory(advisory_id).when.environment
        return
    versions = {**EVERYWHERE, affected.package: str(fixed)}
    here = environment(**{name.replace("-", "_"): version for name, version in versions.items()})
    assert advisory_id not in [each.id for each in diagnose(here, MATRIX, {}, program=program).findings]
