"""What a program has to do for an advisory to bite."""

from __future__ import annotations

import pytest

from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.schema import dotted
from doctor.knowledge.uses import VOCABULARY, Uses, Way, may_be_class, uses_contradictions


def test_every_advisory_says_what_it_needs_of_a_program_or_why_no_program_shows_it() -> None:
    assert [each.id for each in builtin_matrix().advisories if each.uses is None] == []


def test_every_word_is_used() -> None:
    used = {word for each in builtin_matrix().advisories if each.uses for way in each.uses.any_ for word in (*way.all_, *way.without)}
    assert used == set(VOCABULARY)


@pytest.mark.parametrize(
    ("uses", "place"),
    [
        (Uses(), "uses"),
        (Uses((Way(("load",)),), "no reason"), "uses"),
        (Uses((Way(("lode",)),)), "uses.any[0].all[0]"),
        (Uses((Way(("load",), without=("x",)),)), "uses.any[0].without[0]"),
        (Uses((Way(("tied",)),)), "uses.any[0].all"),
        (Uses((Way(()),)), "uses.any[0].all"),
    ],
)
def test_what_cannot_be_meant(uses: Uses, place: str) -> None:
    assert [dotted(each.path) for each in uses_contradictions(uses, ("uses",))] == [place]


@pytest.mark.parametrize(
    ("name", "pattern", "answer"),
    [
        ("BertForMaskedLM", "BertForMaskedLM", True),
        ("BertForMaskedLM", "AlbertForMaskedLM", False),
        ("AutoModelForMaskedLM", "BertForMaskedLM", None),
        ("AutoModelForCausalLM", "BertForMaskedLM", False),
        ("AutoModelForCausalLM", "Apertus*", None),
        ("AutoModel", "LlamaModel", None),
        ("", "LlamaModel", False),
    ],
)
def test_an_auto_class_may_load_what_fits_its_head(name: str, pattern: str, answer: bool | None) -> None:
    assert may_be_class(name, (pattern,)) is answer
