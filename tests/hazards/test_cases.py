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
from doctor.facts.frozen import replace
from doctor.facts.model import Model
from doctor.facts.program import Program
from doctor.hazards.scan import read_program
from doctor.knowledge.matching import match
from doctor.knowledge.matrix import Advisory, AffectedRange
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.uses import VOCABULARY
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


def is_rare(advisory: Advisory) -> bool:
    """Whether it takes a checkpoint of which a folder has to show that it is such a one."""
    ways = advisory.uses.any_ if advisory.uses is not None else ()
    return bool(ways) and all(any(VOCABULARY[word].kind == "rare" for word in way.all_) for way in ways)


def test_what_is_rare_is_told_of_a_model_that_has_it() -> None:
    (program,) = (program for advisory_id, program, _ in CASES if advisory_id == "MT169")
    for holds, concerns in (({"prefixed-names"}, "program"), (set(), "exposure")):
        model = Model("out", (), frozenset(holds))
        found = diagnose(affected_environment(advisory("MT169")), MATRIX, {}, program=program, model=model).findings
        assert [each.concerns for each in found if each.id == "MT169"] == [concerns]


def test_every_advisory_that_a_program_can_set_off_has_a_case() -> None:
    needed = {each.id for each in MATRIX.advisories if each.uses is not None and each.uses.any_}
    assert needed == {advisory_id for advisory_id, _, _ in CASES}


@pytest.mark.parametrize(("advisory_id", "program", "twin"), CASES, ids=[each[0] for each in CASES])
def test_the_program_is_told_of_it_and_its_twin_is_not(advisory_id: str, program: Program, twin: Program) -> None:
    told = finding(advisory(advisory_id), program)
    assert told is not None
    if is_rare(advisory(advisory_id)):
        assert told.concerns == "exposure"
    else:
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


EMPTY = "from accelerate import *\nfrom transformers import AutoModel\nwith init_empty_weights():\n    model = AutoModel.from_pretrained('x')\n"
WAN = """
from diffusers import WanPipeline
pipe = WanPipeline.from_pretrained("x")
if offload:
    pipe.enable_sequential_cpu_offload()
else:
    pipe.to("cuda")
"""


@pytest.mark.parametrize(
    ("advisory_id", "code", "concerns"),
    [
        ("MT005", EMPTY, "program"),
        ("MT005", EMPTY + "model = load_checkpoint_and_dispatch(model, 'x', device_map='auto')", "exposure"),
        ("MT005", EMPTY + "where = infer_auto_device_map(model)", "exposure"),
        ("MT005", EMPTY + "where = infer_auto_device_map(model)\nmodel = dispatch_model(model, where)", "program"),
        ("MT038", EMPTY, "exposure"),
        ("MT038", EMPTY.replace("init_empty_weights()", "init_empty_weights(include_buffers=True)"), "program"),
        ("MT072", WAN, "exposure"),
        ("MT072", WAN.replace("else:\n    ", ""), "program"),
    ],
)
def test_false_alarms_of_public_code(advisory_id: str, code: str, concerns: str) -> None:
    told = finding(advisory(advisory_id), read_program(code.encode(), "program.py"))
    assert told is not None
    assert told.concerns == concerns


def test_a_configuration_may_be_what_the_program_is_launched_with() -> None:
    code = "from accelerate import Accelerator\nfrom transformers import AutoModel\nAccelerator().prepare(AutoModel.from_pretrained('x'))\n"
    yaml = "distributed_type: FSDP\nfsdp_config:\n  fsdp_version: 2\n  fsdp_cpu_ram_efficient_loading: true\n"
    program = read_program(code.encode(), "train.py")
    program = replace(program, variables=read_program(yaml.encode(), "fsdp.yaml").variables)
    told = finding(advisory("MT078"), program)
    assert told is not None
    assert told.concerns == "possible-use"
    assert "is the program launched with fsdp.yaml?" in told.missing
