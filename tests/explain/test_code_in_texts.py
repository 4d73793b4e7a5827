"""Code that people paste speaks for causes as well: what it does is read as a program's."""

from __future__ import annotations

import pytest

from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import builtin_matrix

CODE = """\
from concurrent.futures import ThreadPoolExecutor
from transformers import AutoModel

def load(name):
    return AutoModel.from_pretrained(name)

with ThreadPoolExecutor(4) as pool:
    models = list(pool.map(load, ["a", "b"]))
"""


def causes(text: str) -> list[tuple[str, str | None]]:
    explanation = explain_lines(text.split("\n"), builtin_matrix())
    return [(each.cause, each.advisory) for failure in explanation.failures for each in failure.causes if each.confidence >= 0.5]


@pytest.mark.parametrize("fence", ["```python\n{}```\n", "{}", "```\n{}```\n"])
def test_a_snippet_is_evidence_without_a_traceback(fence: str) -> None:
    text = f"Loading in parallel breaks.\ntransformers 4.56.1\n{fence.format(CODE)}Any idea?\n"
    assert causes(text) == [("thread-race", "MT002")]


def test_a_snippet_says_nothing_where_the_release_is_without_it() -> None:
    assert causes(f"Loading in parallel breaks.\ntransformers 4.49.0\n{CODE}Any idea?\n") == []


def test_a_load_under_a_lock_is_none() -> None:
    code = CODE.replace("    return AutoModel", "    with lock:\n        return AutoModel")
    assert causes(f"It fails.\ntransformers 4.56.1\n{code}Any idea?\n") == []


def test_the_line_is_named() -> None:
    explanation = explain_lines(f"It fails.\ntransformers 4.56.1\n{CODE}".split("\n"), builtin_matrix())
    assert "the code shown sets MT002 off (line 7)" in explanation.failures[0].causes[0].because
