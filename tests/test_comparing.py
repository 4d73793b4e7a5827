"""A model on the ranks of a real job, started by torchrun: 2 and 4 processes on gloo, each of which tries all cases in a row."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import doctor
from doctor.errors import DoctorError
from doctor.reports.json import published_schemas
from tests.stacks import python_in

Told = dict[str, Any]
PROGRAMS = Path(__file__).parent / "programs"
_SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COUNTS = (2, 4)


def run_ranks(stack: Path, program: Path, folder: Path, count: int) -> list[Told]:
    """What each rank of a program under torchrun wrote into the folder."""
    roots = [str(Path(doctor.__file__).parent.parent), *(each for each in sys.path if each.endswith("site-packages"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(roots), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [str(python_in(stack)), "-B", "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    done = subprocess.run([*command, str(program), str(folder)], env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(count)]


@pytest.fixture(scope="module", params=COUNTS, ids=lambda count: f"{count} ranks")
def ranks(request: pytest.FixtureRequest, middle_stack: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    """What each rank was told of each case."""
    return run_ranks(middle_stack, PROGRAMS / "compared_ranks.py", tmp_path_factory.mktemp("ranks"), request.param)


def differences(told: Told) -> dict[str, tuple[str, list[tuple[str, list[int]]]]]:
    return {each["name"]: (each["kind"], [(one["value"], one["ranks"]) for one in each["values"]]) for each in told["report"]["differences"]}


def test_every_rank_is_told_the_same_in_the_published_shape(ranks: list[Told]) -> None:
    schema = json.loads(published_schemas()["rank-comparison.schema.json"])
    for name in ranks[0].keys() - {"in a group of two"}:
        jsonschema.validate(ranks[0][name]["report"], schema)
        assert [each[name] == ranks[0][name] for each in ranks] == [True] * len(ranks), name


def test_a_model_that_is_alike_on_all_ranks(ranks: list[Told]) -> None:
    assert ranks[0]["nothing"]["alike"]
    assert ranks[0]["nothing"]["text"] == f"Model: 8 tensors are alike on {len(ranks)} ranks."


def test_a_difference_in_one_buffer_of_one_rank(ranks: list[Told]) -> None:
    others, last = list(range(len(ranks) - 1)), len(ranks) - 1
    (name, (kind, values)), *rest = differences(ranks[0]["a buffer"]).items()
    assert (name, kind, rest) == ("table", "values", [])
    assert [held for _, held in values] == [others, [last]]
    assert f"rank {last}: " in ranks[0]["a buffer"]["text"]


def test_a_tie_that_is_lost_on_one_rank(ranks: list[Told]) -> None:
    others, last = list(range(len(ranks) - 1)), len(ranks) - 1
    assert differences(ranks[0]["a tie"]) == {
        "embed.weight": ("tie", [("tied to head.weight", others), ("tied to nothing", [last])]),
        "head.weight": ("tie", [("tied to embed.weight", others), ("tied to nothing", [last])]),
    }


def test_one_rank_that_is_on_meta(ranks: list[Told]) -> None:
    last = len(ranks) - 1
    found = differences(ranks[0]["meta"])
    assert len(found) == 8
    assert {(kind, *(held[0] for value, held in values if value == "on meta")) for kind, values in found.values()} == {("meta", last)}


@pytest.mark.parametrize(
    ("case", "name", "kind"),
    [
        ("a type", "norm.weight", "dtype"),
        ("a parameter", "norm.weight", "values"),
        ("a shape", "table", "shape"),
        ("a name", "more", "gone"),
    ],
)
def test_other_ways_to_differ(case: str, name: str, kind: str, ranks: list[Told]) -> None:
    assert differences(ranks[0][case])[name][0] == kind


def test_a_rank_that_cannot_be_looked_at_does_not_make_the_others_wait(ranks: list[Told]) -> None:
    told = ranks[0]["cannot be looked at"]
    assert (told["alike"], told["report"]["exit_code"], told["report"]["differences"]) == (False, 2, [])
    assert [each["ranks"] for each in told["report"]["untold"]] == [[len(ranks) - 1]]


def test_parts_that_ranks_hold_are_held_against_the_same_part_only(ranks: list[Told]) -> None:
    right, wrong = ranks[0]["sharded"], ranks[0]["sharded, one wrong"]
    assert right["alike"], right["text"]
    if len(ranks) == 2:
        assert wrong["alike"]
        assert right["report"]["uncompared"] > 0
    else:
        assert list(differences(wrong)) == ["norm.bias"]
        assert right["report"]["uncompared"] == 0


def test_a_group_may_be_given(ranks: list[Told]) -> None:
    assert ranks[0]["in a group of two"] == ranks[1]["in a group of two"] == {"alike": False}


def test_without_torch_or_without_a_job_it_says_so() -> None:
    assert "torch" not in sys.modules
    with pytest.raises(DoctorError, match="torch is not imported"):
        doctor.compare_ranks(object())


@pytest.mark.parametrize("framework", ["transformers.TrainerCallback", "accelerator.prepare"])
def test_the_code_that_is_documented_for_each_framework_stops_at_a_rank_that_differs(framework: str, middle_stack: Path, tmp_path: Path) -> None:
    """DistributedDataParallel makes ranks alike when it wraps the model: code that compares after it finds nothing."""
    text = (PROGRAMS.parent.parent / "docs" / "fleet.md").read_text("utf-8")
    (code,) = [each for each in _SNIPPET.findall(text) if framework in each]
    name = "transformers" if "transformers" in framework else "accelerate"
    (tmp_path / "snippets.json").write_text(json.dumps({name: code}))
    first, second = run_ranks(middle_stack, PROGRAMS / "callbacks.py", tmp_path, 2)
    assert first == second
    assert first[f"{name}, alike"] == ("trained 1 step" if name == "transformers" else "trained with DistributedDataParallel")
    stopped = first[f"{name}, one differs"].splitlines()
    assert stopped[0] == "stopped: Model: 1 of 2 tensors are not alike on 2 ranks."
    assert stopped[1].startswith("  linear.bias: other values (rank 0: ")
