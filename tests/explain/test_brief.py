"""An explanation as `print` and a notebook show it."""

from __future__ import annotations

import re

from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import builtin_matrix

MATRIX = builtin_matrix()
META = "NotImplementedError: Cannot copy out of meta tensor; no data!"
MOVED = f"""\
Some parameters are on the meta device because they were offloaded to the cpu.
Traceback (most recent call last):
  File "/srv/app/serve.py", line 14, in load
    model.to(device)
{META}"""


def text_of(text: str) -> str:
    return str(explain_lines(text.split("\n"), MATRIX))


def test_the_cause_the_place_and_the_edit() -> None:
    first, cause, edit = text_of(MOVED).splitlines()
    assert first == f"serve.py:14: {META}"
    assert re.fullmatch(r"  likely \(\d\d %\): Part of the model was offloaded .* \(offload-then-move\)", cause)
    assert edit.startswith("  Delete `.to(device)` at serve.py:14")


def test_a_doubt_shows_what_to_run() -> None:
    first, cause, question = text_of(META).splitlines()
    assert first == META
    assert cause.startswith("  may be (21 %): The file that is loaded lacks weights")
    assert question.startswith("  print(getattr(model")


def test_what_is_not_of_the_family_and_what_is_no_failure() -> None:
    assert text_of("KeyError: 'bob'").splitlines()[1].startswith("  not about meta tensors")
    assert text_of("all went well") == "No failure found in the text."


def test_a_log_of_many_failures_stays_short() -> None:
    many = "\n\n".join(f"Error{chr(65 + number)}Exception: the meta tensor of {chr(65 + number)} has no data" for number in range(20))
    assert len(text_of(many).splitlines()) <= 16


def test_a_notebook_gets_html_that_is_escaped_and_whole_in_itself() -> None:
    explanation = explain_lines(f"RuntimeError: <script>alert(1)</script> meta tensor\n{META}".split("\n"), MATRIX)
    shown = explanation._repr_html_()
    assert "<script" not in shown and "&lt;script&gt;" in shown
    assert not re.search(r"\b(?:src|href|url)\b|@import|<style", shown)
    assert len(shown) < 4000


def test_each_line_of_the_text_stands_in_the_html() -> None:
    explanation = explain_lines(MOVED.split("\n"), MATRIX)
    assert explanation._repr_html_().count("<p>") == len(str(explanation).splitlines())
