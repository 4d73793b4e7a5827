"""Models held against each other, tensor by tensor."""

from __future__ import annotations

from doctor.diagnosis.tensor_comparison import tensor_differences, uncompared
from doctor.facts.frozen import replace
from doctor.facts.inspection import Inspection, Tensor

WEIGHT = Tensor("a.weight", "parameter", (2, 3), "float32", "cpu", "as-in-file", "", "", "", ("a.weight",), "00")
BIAS = replace(WEIGHT, name="a.bias", shape=(2,), digest="11")


def inspection(*tensors: Tensor) -> Inspection:
    return Inspection("Model", "own", tensors, (), (), 0, 2, (), {}, "")


def test_the_same_everywhere_is_no_difference() -> None:
    sides = [inspection(WEIGHT, BIAS), inspection(BIAS, WEIGHT), inspection(WEIGHT, BIAS)]
    assert tensor_differences(sides) == ()
    assert uncompared(sides) == 0


def test_what_differs_comes_worst_first() -> None:
    other = inspection(replace(WEIGHT, digest="22"))
    found = tensor_differences([inspection(WEIGHT, BIAS), other])
    assert [(each.name, each.kind, each.values) for each in found] == [
        ("a.bias", "gone", ("as-in-file", "not there")),
        ("a.weight", "values", ("00", "22")),
    ]


def test_a_tensor_that_is_wrong_on_one_rank_is_told_by_its_state() -> None:
    (found,) = tensor_differences([inspection(WEIGHT), inspection(replace(WEIGHT, state="wrong", digest=None))])
    assert (found.kind, found.values) == ("state", ("as-in-file", "wrong"))


def test_another_type_is_no_other_value() -> None:
    (found,) = tensor_differences([inspection(WEIGHT), inspection(replace(WEIGHT, dtype="bfloat16", digest="33"))])
    assert found.kind == "dtype"


def test_parts_that_ranks_hold_and_what_has_no_digest_are_not_compared() -> None:
    shards = [inspection(replace(WEIGHT, where=f"shard at ({rank},) of the mesh", digest=str(rank))) for rank in range(2)]
    assert tensor_differences(shards) == ()
    assert uncompared(shards) == 1
    assert uncompared([inspection(WEIGHT), inspection(replace(WEIGHT, digest=None))]) == 1
