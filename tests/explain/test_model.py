"""The fitted table, and what is made of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.explain.causes import as_sure
from doctor.explain.explanation import NOT_OURS, UNKNOWN
from doctor.explain.features import WordReader, parts_of, words_of
from doctor.explain.model import Model, fitted_model, model_of
from doctor.explain.text import explain_lines
from doctor.knowledge.cause import Sign
from doctor.knowledge.matrix_file import builtin_file, builtin_matrix

MATRIX = builtin_matrix()


def test_the_table_knows_every_cause_and_what_is_none() -> None:
    assert fitted_model().intercepts.keys() == {NOT_OURS, UNKNOWN, *(cause.name for cause in MATRIX.causes)}
    for family in fitted_model().families.values():
        assert all(feature.coefficients.keys() <= fitted_model().intercepts.keys() for feature in family.features.values())


def test_the_table_is_small_and_holds_no_texts() -> None:
    assert (builtin_file().parent / "causes.json").stat().st_size < 2_000_000
    assert all(len(word.split(" ")) <= 2 for word in fitted_model().families["words"].features)


def _model(certainty: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 0.0)) -> Model:
    families = {"words": {"length": 1.0, "least": 4.0, "features": {"a": [3.0, {"x": 1.0}, {"misuse": 2.0}], "b": [4.0, {"x": -1.0, "y": 0.5}]}}}
    kinds = {"x": {"bug": 0.7, "misuse": -0.7}, "y": {"bug": 3.0, "misuse": -3.0}}
    table = {"intercepts": {"x": 0.0, "y": 0.0}, "signs": 1.0, "sharpness": 1.0, "certainty": certainty, "kinds": kinds, "families": families}
    return model_of(table)


def test_contributions_are_coefficients_times_rarity_brought_to_one_length() -> None:
    said = _model().contributions({"words": frozenset("abc")})
    assert said == {"x": {("words", "a"): pytest.approx(0.6), ("words", "b"): pytest.approx(-0.8)}, "y": {("words", "b"): pytest.approx(0.4)}}
    assert _model().contributions({}) == {"x": {}, "y": {}}


def test_little_that_was_seen_counts_for_less() -> None:
    assert _model().contributions({"words": frozenset("a")})["x"] == {("words", "a"): pytest.approx(0.75)}


def test_what_kind_a_cause_is_depends_on_the_text_as_well() -> None:
    assert _model().kinds_of({}) == {"x": "bug", "y": "bug"}
    assert _model().kinds_of({"words": frozenset("a")}) == {"x": "misuse", "y": "bug"}


@pytest.mark.parametrize(
    ("certainty", "share", "unknown", "signs", "sure"),
    [
        ((0.0, 1.0, 0.0, 0.0), 0.3, 0.1, 1.0, 0.3),
        ((1.0, 1.0, 0.0, 0.0), 0.5, 0.1, 1.0, 0.731),
        ((0.0, 2.0, 0.0, 0.0), 0.25, 0.1, 1.0, 0.1),
        ((0.0, 1.0, 0.0, 0.0), 1.0, 0.0, 1.0, 1.0),
        ((0.0, 1.0, -1.0, 0.0), 0.5, 0.5, 1.0, 0.5),
        ((0.0, 1.0, -1.0, 0.0), 0.5, 0.3, 1.0, 0.7),
        ((0.0, 1.0, 0.0, 1.0), 0.5, 0.1, 1.0, 0.731),
        ((0.0, 1.0, 0.0, 1.0), 0.5, 0.1, -1.0, 0.5),
        ((0.0, 1.0, 0.0, 1.0), 0.5, 0.1, 9.0, 0.953),
    ],
)
def test_how_sure_a_share_is_was_measured(
    certainty: tuple[float, float, float, float], share: float, unknown: float, signs: float, sure: float
) -> None:
    assert _model(certainty).sure_of(share, unknown, signs) == pytest.approx(sure, abs=0.001)


@pytest.mark.parametrize("certainty", [(1.0, 1.0, 0.0, 0.0), (-1.0, 1.0, 0.0, 0.0)])
def test_what_the_first_gains_or_loses_leaves_the_order_and_the_whole(certainty: tuple[float, float, float, float]) -> None:
    before = {"x": 0.5, "y": 0.4, UNKNOWN: 0.1}
    after = as_sure(before, {}, _model(certainty))
    assert sum(after.values()) == pytest.approx(1.0)
    assert after["x"] == pytest.approx(_model(certainty).sure_of(0.5, 0.1, 0.0))
    assert after["x"] > after["y"] > 0
    assert (after[UNKNOWN] > before[UNKNOWN]) == (after["x"] < before["x"])


def test_parts_are_beginnings_and_pairs_within_a_name() -> None:
    assert set(parts_of(["enable_cpu_offload", "offloading", "to cuda", "\u663e"])) == {"enabl", "cpu", "offlo", "enable_cpu", "cpu_offload"}


def test_words_are_those_of_a_line_and_its_pairs() -> None:
    assert list(words_of("Offloaded to layer_12!")) == ["offloaded", "to", "layer_00", "offloaded to", "to layer_00"]
    assert set(words_of("显存")) == {"显", "存", "显 存"}


def test_lines_that_differ_in_their_numbers_add_nothing_and_much_text_is_enough() -> None:
    reader = WordReader()
    for step in range(100_000):
        reader.feed(f"step {step} of it", "1")
    assert reader.words() == {"1": {"step", "of", "it", "step of", "of it"}}
    for number in range(3000):
        reader.feed("".join(chr(97 + int(digit)) for digit in str(number)) + " word" * 20)
    assert len(reader.words()[None]) < 8000


def test_a_sentence_that_proves_decides_whatever_else_the_text_says() -> None:
    text = "I merge a LoRA into it, quantize it with awq, and save_pretrained fails in 4 threads.\n"
    proof = "ValueError: You are trying to offload the whole model to the disk. Please use the `disk_offload` function instead."
    (failure,) = explain_lines((text + proof).split("\n"), MATRIX).failures
    assert failure.causes[0].cause == "disk-offload-refused"
    assert failure.causes[0].confidence == pytest.approx(0.97, abs=0.03)


def test_a_matrix_of_other_causes_goes_by_its_signs_alone() -> None:
    own = replace(MATRIX, causes=(MATRIX.causes[0],), messages=())
    offloaded = "Some parameters are on the meta device because they were offloaded to the cpu."
    (failure,) = explain_lines([offloaded, "NotImplementedError: Cannot copy out of meta tensor; no data!"], own).failures
    assert [cause.cause for cause in failure.causes] == [MATRIX.causes[0].name]


MERGED = "NotImplementedError: Cannot copy out of meta tensor; no data!\nthe new sentence of a new cause\n"


def test_a_cause_that_the_table_lacks_is_told_by_its_signs() -> None:
    """A matrix may be newer than the table beside it."""
    new = replace(
        MATRIX.causes[0],
        name="brand-new",
        advisories=(),
        told_by_version=(),
        signs=(Sign("proves", "says the sentence that nothing else says", text=("the new sentence of a new cause",)),),
    )
    (failure,) = explain_lines(MERGED.split("\n"), replace(MATRIX, causes=(*MATRIX.causes, new))).failures
    assert (failure.causes[0].cause, failure.causes[0].kind) == ("brand-new", new.kind)
    assert failure.causes[0].confidence > 0.9


def test_what_speaks_for_a_cause_that_the_matrix_lacks_speaks_for_no_other() -> None:
    text = "ValueError: You are trying to offload the whole model to the disk. Please use the `disk_offload` function instead."
    without = replace(MATRIX, causes=tuple(each for each in MATRIX.causes if each.name != "disk-offload-refused"))
    with_it = {each.cause: each.confidence for each in explain_lines([text], MATRIX).failures[0].causes}
    told = {each.cause: each.confidence for failure in explain_lines([text], without).failures for each in failure.causes}
    assert with_it["disk-offload-refused"] > 0.9
    assert "disk-offload-refused" not in told
    assert all(confidence < 0.5 for confidence in told.values())


def test_a_matrix_of_other_causes_goes_by_its_signs() -> None:
    names = [each.name for each in MATRIX.causes]
    assert fitted_model().is_about(names)
    assert fitted_model().is_about([*names[1:], "brand-new"])
    assert not fitted_model().is_about(names[:5])
    assert not fitted_model().is_about([*names, *(f"own-{each}" for each in names)])
