"""Signs and how they weigh: small matrices, so that each rule stands alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.explain.causes import Known
from doctor.explain.explanation import Clues, LikelyCause
from doctor.explain.judge import explain, joined_failures
from doctor.explain.model import fitted_model
from doctor.facts.symptom import Failure, Frame
from doctor.knowledge.cause import Cause, Sign, Weight, frames_hold
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import known_releases
from tests.environments import environment

MODULE = "/opt/x/site-packages/torch/nn/modules/module.py"
TRAINER = "C:/envs/x/lib/site-packages/transformers/trainer.py"
FRAMES = (
    Frame("train.py", 3, "<module>"),
    Frame(TRAINER, 740, "_move_model_to_device"),
    Frame(MODULE, 1160, "Module.to"),
    Frame(MODULE, 9, "convert"),
)


@pytest.mark.parametrize(
    ("patterns", "hold"),
    [
        (["transformers/trainer.py:_move_model_to_device"], True),
        (["trainer.py:*"], True),
        (["*:_move_*", "torch/nn/modules/module.py:to", "*:convert"], True),
        (["torch/:convert"], True),
        (["torch/nn/*/module.py:to|cuda"], True),
        (["*:convert", "*:to"], False),
        (["sft_trainer.py:*"], False),
        (["rainer.py:*"], False),
        (["transformers/:convert"], False),
        (["*:convert", "*:convert"], False),
        (["torch/nn/module.py:to"], False),
    ],
)
def test_frames_hold_in_their_order(patterns: list[str], hold: bool) -> None:
    assert frames_hold(patterns, FRAMES) is hold


@pytest.mark.parametrize("stars", ["*", "*a*a*a*a*a*a*a*a*a*a*a*a*b", "a*" * 100 + "b"])
def test_stars_in_names_of_frames_take_no_longer_the_more_they_are(stars: str) -> None:
    frames = (Frame("a" * 400, 1, "a" * 400),)
    assert not frames_hold([f"{stars}/x.py:{stars}"], frames)
    assert frames_hold([f"*:{stars}"], (Frame("x.py", 1, stars.replace("*", "aa")),))


def cause(name: str, *weights: Weight) -> Cause:
    signs = tuple(Sign(weight, f"sign {number}", message="meta") for number, weight in enumerate(weights))
    return Cause(name, "bug", name, "do this", None, "that", (), signs)


def causes(*known: Cause, failure: Failure | None = None) -> list[tuple[str, float]]:
    matrix: Matrix = replace(builtin_matrix(), advisories=(), causes=known, messages=())
    seen = failure or Failure("NotImplementedError", "Cannot copy out of meta tensor", (), 1)
    explained: tuple[LikelyCause, ...] = explain((seen,), Clues({}), Known(environment(), matrix, known_releases())).failures[0].causes
    return [(each.cause, each.confidence) for each in explained]


def test_one_hint_leaves_doubt_and_several_signs_make_a_case() -> None:
    ((_, hint),) = causes(cause("a", "hint"))
    ((_, two),) = causes(cause("a", "hint", "likely"))
    ((_, strong),) = causes(cause("a", "strong"))
    assert hint < 0.5 < two < strong < 1


def test_causes_that_compete_share_what_certainty_there_is() -> None:
    found = causes(cause("a", "strong"), cause("b", "likely"))
    assert [name for name, _ in found] == ["a", "b"]
    assert sum(confidence for _, confidence in found) < 1
    assert found[0][1] < causes(cause("a", "strong"))[0][1]


def test_a_sign_against_weakens_and_one_that_excludes_ends_it() -> None:
    assert causes(cause("a", "strong", "against"))[0][1] < causes(cause("a", "strong"))[0][1]
    assert causes(cause("a", "strong", "excludes")) == []


def test_a_cause_without_a_sign_for_it_is_none() -> None:
    assert causes(cause("a")) == causes(cause("a", "against")) == []


def test_an_exception_the_sign_does_not_name_is_no_sign() -> None:
    named = replace(cause("a", "strong"), signs=(Sign("strong", "x", exception=("KeyError",), message="meta"),))
    assert causes(named) == []
    assert causes(named, failure=Failure("builtins.KeyError", "'meta'", (), 1))


def test_a_message_that_stands_apart_belongs_to_the_traceback_cut_before_its_own() -> None:
    title = Failure("NotImplementedError", "Cannot copy out of meta tensor; no data!", (), 1)
    cut = Failure(None, "", FRAMES, 5)
    (joined,) = joined_failures((title, cut))
    assert (joined.exception, joined.message, joined.frames) == (title.exception, title.message, FRAMES)


def test_a_failure_told_of_twice_is_one() -> None:
    title = Failure("NotImplementedError", "Cannot copy out of meta tensor; no data! ...", (), 1)
    whole = Failure("NotImplementedError", "Cannot copy out of meta tensor; no data! Please", FRAMES, 5)
    assert joined_failures((title, whole)) == [whole]
    assert len(joined_failures((title, replace(title, line=9)))) == 1


@pytest.mark.parametrize("advisory", builtin_matrix().advisories, ids=lambda advisory: advisory.id)
def test_what_rests_on_one_shape_is_never_said_to_be_surer_than_95_per_cent(advisory: Advisory) -> None:
    """However much speaks for it: in another shape of the problem the range may end elsewhere."""
    signs = tuple(Sign("proves", "it says so", message="meta", advisory=advisory.id) for _ in range(3))
    matrix = replace(builtin_matrix(), advisories=(advisory,), causes=(replace(cause("a"), signs=signs),), messages=())
    failure = Failure("NotImplementedError", "Cannot copy out of meta tensor", (), 1)
    (found,) = explain((failure,), Clues({}), Known(environment(), matrix, known_releases())).failures[0].causes
    ends = any(each.introduced or each.fixed for affected in advisory.affected for each in affected.ranges)
    assert found.advisory == advisory.id
    assert found.confidence == (0.95 if ends and len(advisory.evidence.shapes) < 2 else 0.99)


def test_the_built_in_causes_say_what_to_do() -> None:
    """For a person: every sign that speaks for a cause has words, every cause a remedy and a fact that would settle it."""
    for each in builtin_matrix().causes:
        assert each.remedy and each.settle
        assert each.signs or each.name in fitted_model().intercepts
        assert all(sign.says for sign in each.signs if sign.weight not in ("against", "excludes"))
        assert "to_empty" not in each.remedy or each.name in ("meta-init-incomplete", "ties-lost")
