"""Facts that tell causes apart: the one that is asked for, and what an answer changes."""

from __future__ import annotations

import ast

import pytest

from doctor.explain.causes import Known, cases_of
from doctor.explain.explanation import Explanation
from doctor.explain.questions import question_for
from doctor.explain.text import TextReader, explain_lines
from doctor.facts.symptom import Failure
from doctor.knowledge.fact import Fact
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import known_releases
from tests.explain.test_explain import TRAINER

MATRIX = builtin_matrix()
FACTS = {fact.name: fact for fact in MATRIX.facts}
BARE = "NotImplementedError: Cannot copy out of meta tensor; no data!"
CALLED = {"print", "getattr", "open", "load", "load_file", "safe_open", "keys", "get", "named_parameters", "named_buffers", "empty", "endswith"}
CALLED |= {"data_ptr", "get_input_embeddings", "get_output_embeddings", "cpu", "abs", "max", "get_parameter", "flatten"}


def explained(text: str, **answers: str) -> Explanation:
    reader = TextReader(MATRIX)
    reader.read(text.split("\n"))
    for name, value in answers.items():
        answer = FACTS[name].answer(value)
        assert answer is not None
        reader.answer(FACTS[name], answer, "option")
    return reader.explanation()


@pytest.mark.parametrize("fact", [fact for fact in MATRIX.facts if fact.run is not None], ids=lambda fact: fact.name)
def test_the_line_that_answers_changes_nothing(fact: Fact) -> None:
    assert fact.run is not None and "\n" not in fact.run
    for node in ast.walk(ast.parse(fact.run)):
        assert not isinstance(node, (ast.Assign, ast.AugAssign, ast.Delete, ast.NamedExpr))
        if isinstance(node, ast.Call):
            assert (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in CALLED
            if getattr(node.func, "id", "") == "open":
                assert len(node.args) == 1 and not node.keywords


@pytest.mark.parametrize("fact", MATRIX.facts, ids=lambda fact: fact.name)
def test_an_answer_speaks_for_its_causes_and_against_those_of_other_answers(fact: Fact) -> None:
    failure = Failure(None, "", (), 1)
    for answer in fact.answers:
        reader = TextReader(MATRIX, fitted=False)
        reader.answer(fact, answer, "option")
        environment = reader.explanation().environment
        cases = cases_of(failure, reader.clues(), Known(environment, MATRIX, known_releases()))
        for name, case in cases.items():
            named = any(name in each.causes for each in fact.answers)
            if name in answer.excludes:
                assert case.odds == 0
            elif name in answer.causes:
                assert case.odds > 1
                assert any(fact.name in said and answer.value in said for _, said in case.because)
            else:
                assert case.odds == (0.2 if named else 1)


@pytest.mark.parametrize(
    ("name", "printed", "value"),
    [
        ("hf_device_map", "{'': 0, 'lm_head': 'cpu'}", "offloaded"),
        ("hf_device_map", '{"model.layers.1": "disk"}', "offloaded"),
        ("hf_device_map", "{'': 0}", "devices"),
        ("hf_device_map", "{'': device(type='cuda', index=0)}", "devices"),
        ("hf_device_map", "{'a': 'cuda:1'}", "devices"),
        ("hf_device_map", "None", "none"),
        ("left_on_meta", "{'': 'cpu', 'b': 0} ['a.weight']", "offloaded"),
        ("meta_context", "meta", "yes"),
        ("meta_context", "cpu", "no"),
        ("tied_pair", "True", "yes"),
        ("tied_pair", "False", "no"),
        ("equals_file", "tensor(0.)", "yes"),
        ("equals_file", "tensor(0.0312)", "no"),
        ("inv_freq", "[tensor(1.)]", "yes"),
        ("inv_freq", "[tensor(0.)]", "no"),
        ("zero_stage", "3", "3"),
        ("zero_stage", "{'gradient_accumulation_steps': 1, 'zero_stage': 3}", "3"),
        ("zero_stage", "{'zero_stage': 2}", "other"),
        ("launched", "None", "no"),
        ("launched", "8", "yes"),
        ("threads", "YES ", "yes"),
        ("threads", "perhaps", None),
        ("hf_device_map", "cpu", None),
    ],
)
def test_what_was_printed_is_an_answer(name: str, printed: str, value: str | None) -> None:
    answer = FACTS[name].answer(printed)
    assert (answer.value if answer is not None else None) == value


def test_a_question_parts_the_likeliest_causes_and_an_answer_decides() -> None:
    (first,) = explained(BARE).failures
    assert first.question is not None and first.question.name == "left_on_meta"
    (second,) = explained(BARE, left_on_meta="offloaded").failures
    assert not second.sure
    assert {cause.cause for cause in second.causes} >= {"offload-then-move", "convert-save-offloaded", "forward-bypasses-hook"}
    assert second.question is not None and second.question.name == "step"
    explanation = explained(BARE, left_on_meta="offloaded", step="use")
    (third,) = explanation.failures
    assert third.sure and third.causes[0].cause == "forward-bypasses-hook" and third.question is None
    assert any(said.startswith("step is use: ") for said in third.causes[0].because)
    assert [(each.name, each.value, each.by) for each in explanation.given] == [("left_on_meta", "offloaded", "option"), ("step", "use", "option")]


def test_an_answer_rules_a_cause_out() -> None:
    text = f"It fails in 4 threads at once:\n{BARE}"
    assert explained(text).failures[0].causes[0].cause == "thread-race"
    assert all(cause.cause != "thread-race" for cause in explained(text, threads="no").failures[0].causes)


def test_a_few_names_on_meta_and_no_map_decide_against_an_offload() -> None:
    assert explained(TRAINER).failures[0].causes[0].cause == "offload-then-move"
    (failure,) = explained(TRAINER, left_on_meta="few").failures
    few = next(answer for answer in FACTS["left_on_meta"].answers if answer.value == "few")
    assert failure.causes[0].cause in few.causes
    assert not {cause.cause for cause in failure.causes} & set(few.excludes)


def test_an_answer_says_nothing_but_what_it_says() -> None:
    """Its name may hold words that would speak for a cause."""
    said = explained(f"{BARE}\nIt fails on my machine.", zero_stage="other", threads="no")
    assert not any("DeepSpeed" in each or "threads, workers" in each for cause in said.failures[0].causes for each in cause.because)


def test_what_the_text_says_in_the_words_of_an_answer_counts_the_same() -> None:
    said = explain_lines([BARE, "Answered: threads is yes"], MATRIX).failures[0]
    given = explained(BARE, threads="yes").failures[0]
    assert said.causes[0].cause == given.causes[0].cause == "thread-race"
    assert any("(line 2)" in each for each in said.causes[0].because)


def test_nothing_is_asked_that_was_answered_or_would_part_nothing() -> None:
    causes = explained(BARE, left_on_meta="offloaded").failures[0].causes
    assert question_for(causes, None, MATRIX, [fact.name for fact in MATRIX.facts]) is None
    assert question_for((), None, MATRIX, ()) is None


def test_every_question_that_is_asked_has_answers_that_part_the_first_two_causes() -> None:
    for texts in (f"{BARE}\nI use device_map.", f"{BARE}\nquantized model, saved with save_pretrained", "ValueError: weight is on the meta device"):
        for failure in explained(texts).failures:
            if failure.question is not None and len(failure.causes) > 1 and failure.causes[0].basis == "signs":
                one, other = ({answer.value for answer in failure.question.answers if cause.cause in answer.causes} for cause in failure.causes[:2])
                assert one != other
