"""From frames to releases, with frames as public reports show them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from doctor.dating import Dating, date_frames
from doctor.dating.wording import releases_text
from doctor.facts.symptom import Frame

PACKAGES = "/usr/lib/python3/site-packages/"
MODULE = f"{PACKAGES}torch/nn/modules/module.py"
MODELING = f"{PACKAGES}transformers/modeling_utils.py"
TO = Frame(MODELING, 4343, "to", "return super().to(*args, **kwargs)")
CONVERT = Frame(MODULE, 1326, "convert", "return t.to(")


def date(*frames: Frame) -> Dating:
    (dating,) = date_frames(frames)
    return dating


def test_text_sharpens_what_spans_leave() -> None:
    spans = date(replace(TO, code=None))
    text = date(TO)
    assert spans.candidates[:3] == ("4.55.3", "4.55.4", "4.57.0")
    assert text.candidates == ("4.57.1", "4.57.2", "4.57.3", "4.57.4", "4.57.5", "4.57.6")
    assert text.summary == "transformers 4.57.1 to 4.57.6 (1 frame, 1 source line agrees)"
    assert not text.exact


def test_every_distribution_is_dated_by_its_own_frames() -> None:
    datings = date_frames([TO, CONVERT, Frame("train.py", 3, "<module>", "main()")])
    assert [(each.distribution, each.status) for each in datings] == [("torch", "dated"), ("transformers", "dated")]
    assert datings[0].summary == "torch 2.5.0 or 2.5.1 (1 frame, 1 source line agrees)"


def test_a_development_build_is_no_release_but_near_one() -> None:
    """transformers 4.50.0.dev0, as https://github.com/huggingface/transformers/issues/36441 shows it."""
    dating = date(
        Frame(MODELING, 268, "_wrapper", "return func(*args, **kwargs)"),
        Frame(MODELING, 4406, "from_pretrained", ") = cls._load_pretrained_model("),
        Frame(MODELING, 4972, "_load_pretrained_model", "new_error_msgs, offload_index, state_dict_index = _load_state_dict_into_meta_model("),
    )
    assert (dating.status, dating.candidates) == ("modified", ())
    assert dating.nearest == ("4.49.0",)
    assert dating.summary.endswith(": a development or modified build")


def test_a_local_edit_is_no_release_but_near_one() -> None:
    """transformers 4.51.3 with three lines more, as https://github.com/huggingface/transformers/issues/37737 shows it."""
    dating = date(Frame(MODELING, 4903, "_load_pretrained_model", "param.to(tp_device),"))
    assert dating.status == "modified"
    assert dating.nearest == ("4.51.1", "4.51.2", "4.51.3")


def test_one_edited_line_among_frames_that_agree_is_no_exact_answer() -> None:
    dating = date(TO, replace(TO, code="print('here')"))
    assert (dating.status, dating.nearest) == ("modified", ("4.57.1", "4.57.2", "4.57.3", "4.57.4", "4.57.5", "4.57.6"))
    assert dating.summary == "transformers: no release matches; nearest is 4.57.1 to 4.57.6 (1 of 2 frames): a development or modified build"


def test_a_release_newer_or_older_than_all_is_not_taken_for_one_of_them() -> None:
    beyond = date(Frame(MODELING, 60000, "to"))
    assert (beyond.status, beyond.candidates, beyond.nearest) == ("modified", (), ())
    assert "an older, newer, development or modified build" in beyond.summary


@pytest.mark.parametrize(
    "code", ["return t.to(device, dtype if t.is_floating_poi", "return t.to(device, dtype if t.is_floating_point() or t.is_complex() else …"]
)
def test_a_line_cut_at_its_end_still_agrees(code: str) -> None:
    whole = "return t.to(device, dtype if t.is_floating_point() or t.is_complex() else None, non_blocking)"
    frame = Frame(MODULE, 1143, "convert", whole)
    assert date(frame).status == "dated"
    assert set(date(frame).candidates) <= set(date(replace(frame, code=code)).candidates)
    assert date(replace(frame, code=code)).lines == 0


def test_names_that_markdown_stripped_still_agree() -> None:
    assert date(Frame(MODELING, 4343, "to", "return super().to(args, kwargs)")).candidates == date(TO).candidates
    assert date(Frame(MODULE, 1750, "callimpl", None)).candidates == date(Frame(MODULE, 1750, "_call_impl", None)).candidates


def test_a_qualified_name_is_its_last_part() -> None:
    assert date(replace(TO, function="PreTrainedModel.to")) == date(TO)
    assert date(replace(CONVERT, function="Module.to.<locals>.convert")) == date(CONVERT)


@pytest.mark.parametrize(
    "frame",
    [
        replace(TO, line=None),
        replace(TO, function=None, code=None),
        Frame(MODELING, 12, "<module>"),
        Frame(MODELING, 12, "<listcomp>"),
        Frame(f"{PACKAGES}transformers/not_there.py", 1, "to", "pass"),
    ],
    ids=["no line", "nothing to compare", "module", "comprehension", "file unknown"],
)
def test_a_frame_that_says_nothing_dates_nothing(frame: Frame) -> None:
    dating = date(frame)
    assert (dating.status, dating.candidates, dating.frames) == ("not covered", (), 0)
    assert date(frame, TO).candidates == date(TO).candidates


def test_a_lambda_is_dated_by_its_text() -> None:
    assert date(replace(TO, function="<lambda>")).candidates == date(TO).candidates


def test_the_wrong_function_name_does_not_outweigh_a_long_line_in_its_place() -> None:
    assert date(replace(TO, function="wrapper")).candidates == date(TO).candidates
    assert date(replace(CONVERT, function="wrapper")).status == "modified"  # a short line may stand anywhere


def test_a_copy_is_never_exact_and_is_left_aside_where_an_installed_file_is_seen() -> None:
    copy = Frame("/app/third_party/torch/nn/modules/module.py", 1326, "convert", "return t.to(")
    alone = date(copy)
    assert not alone.installed
    assert not alone.exact
    assert alone.summary.endswith("; a checkout or a copy, not an installed package, so perhaps none of them")
    assert date(replace(copy, line=1), CONVERT) == date(CONVERT)


def test_repeated_frames_count_once_and_many_cost_little() -> None:
    assert date(*[CONVERT] * 1000).frames == 1
    start = time.perf_counter()
    date(*(replace(TO, line=line) for line in range(1, 4000)))
    assert time.perf_counter() - start < 5


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.builds(
            Frame,
            file=st.sampled_from([MODULE, MODELING, "x.py", "torch/hub.py", ""]) | st.text(max_size=30),
            line=st.none() | st.integers(-2, 6000) | st.integers(),
            function=st.none() | st.sampled_from(["to", "<module>", "_apply", ".", "<lambda>"]) | st.text(max_size=10),
            code=st.none() | st.text(max_size=60),
        ),
        max_size=6,
    )
)
def test_any_frames_give_a_dating_that_holds_together(frames: list[Frame]) -> None:
    for dating in date_frames(frames):
        assert (dating.status == "dated") == bool(dating.candidates)
        assert not (dating.candidates and dating.nearest)
        assert dating.lines <= dating.agreeing <= dating.frames <= len(frames)
        assert "\n" not in dating.summary


@pytest.mark.parametrize(
    ("versions", "text"),
    [
        (["1.0"], "1.0"),
        (["1.0", "1.1"], "1.0 or 1.1"),
        (["1.0", "1.1", "1.2"], "1.0 to 1.2"),
        (["1.0", "1.2", "1.3", "1.4"], "1.0, 1.2 to 1.4"),
        (["1.0", "1.2", "1.4", "1.6"], "one of 4 releases from 1.0 to 1.6"),
    ],
)
def test_releases_are_named_by_their_runs(versions: list[str], text: str) -> None:
    assert releases_text(versions, [f"1.{number}" for number in range(8)]) == text
