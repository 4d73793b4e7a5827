"""What `Frozen` makes of a type is what `dataclass(frozen=True)` would."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from doctor.facts.frozen import Frozen, field, field_names, replace


class _Place(Frozen):
    """A type with a default."""

    file: str
    line: int = 0


class _Named(_Place):
    """A type that extends another."""

    names: Mapping[str, str] = field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class _Usual:
    file: str
    line: int = 0


def test_equal_fields_make_equal_objects_of_one_type() -> None:
    assert _Place("a.py") == _Place(file="a.py", line=0)
    assert hash(_Place("a.py")) == hash(_Place("a.py", 0))
    assert _Place("a.py") != _Place("a.py", 1)
    assert _Place("a.py") != _Usual("a.py")
    assert repr(_Named("a.py", 3)) == "_Named(file='a.py', line=3, names={})"


def test_a_default_may_be_made_anew_for_each() -> None:
    assert _Named("a.py").names == {}
    assert _Named("a.py").names is not _Named("a.py").names
    assert _Named("a.py", names={"x": "y"}).names == {"x": "y"}


def test_it_is_a_dataclass_to_those_who_ask() -> None:
    named = _Named("a.py", 3)
    assert [each.name for each in dataclasses.fields(named)] == list(field_names(_Named)) == ["file", "line", "names"]
    assert dataclasses.asdict(named) == {"file": "a.py", "line": 3, "names": {}}
    assert dataclasses.replace(named, line=4) == replace(named, line=4) == _Named("a.py", 4)
    assert _Named("b.py").names == {}
    assert dataclasses.is_dataclass(named)


def test_it_can_be_copied_and_stored() -> None:
    named = _Named("a.py", 3, {"x": "y"})
    assert copy.deepcopy(named) == pickle.loads(pickle.dumps(named)) == named


def test_it_cannot_be_changed() -> None:
    place = _Place("a.py")
    with pytest.raises(dataclasses.FrozenInstanceError):
        place.line = 3  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del place.line


@pytest.mark.parametrize(
    "wrong",
    [
        lambda kind: kind(),
        lambda kind: kind("a.py", 0, 0, 0),
        lambda kind: kind("a.py", file="b.py"),
        lambda kind: kind("a.py", column=3),
    ],
)
def test_fields_are_given_once_and_none_is_left_out(wrong: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        wrong(_Place)
    with pytest.raises(TypeError):
        wrong(_Named)
