"""A text read in one pass: whatever it holds, it is read to its end."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.readers.lines import MAX_LINE_CHARACTERS, MAX_REPORT_CHARACTERS, LineDecoder, cleaned_line, decoded_lines

MATRIX = builtin_matrix()
PIECES = (
    "- `transformers` version: 4.46.3",
    "Package    Version\n------- ----\ntorch   2.4.1",
    'Traceback (most recent call last):\n  File "x.py", line 3, in f\n    f()\nNotImplementedError: Cannot copy out of meta tensor; no data!',
    '[[package]]\nname = "torch"\nversion = "2.4.1"',
    '{\n  "schema_version": 1,\n  "environment": {',
    "version = 1\nrequires-python = '>=3.10'\n[[package]\nname =",
    "dependencies:\n  - pytorch=2.1\n  - pip:\n    - transformers==4.40.0",
    "\u256d\u2500 Traceback (most recent call last) \u2500\u256e\n\u2502 /x/y.py:3 in f \u2502",
    "> > quoted &gt; &amp; \x1b[31mred\x1b[0m [0m",
    "torch " * 200,
)


def lines_of(content: bytes) -> list[str]:
    return list(decoded_lines(io.BytesIO(content)))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.binary(max_size=2000))
def test_any_bytes_are_read(content: bytes) -> None:
    explain_lines(lines_of(content), MATRIX)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=120)
@given(st.lists(st.sampled_from(PIECES), max_size=6), st.text(max_size=20), st.integers(0, 600), st.integers(0, 60))
def test_any_mixture_cut_anywhere_is_read(pieces: list[str], inserted: str, at: int, dropped: int) -> None:
    text = "\n".join(pieces)
    explain_lines((text[:at] + inserted + text[at + dropped :]).split("\n"), MATRIX)


@pytest.mark.parametrize("broken", ["[[package]\nname =\n", "version = 1\n[[package]]\nname = 'torch\n"])
def test_a_broken_lock_file_in_the_text_is_no_reason_not_to_explain(broken: str) -> None:
    text = f"{broken}\ntwo threads\nNotImplementedError: Cannot copy out of meta tensor; no data!"
    assert explain_lines(text.split("\n"), MATRIX, name="uv.lock").failures[0].causes[0].cause == "thread-race"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    assert [cleaned_line(line) for line in lines_of("eins\nzw\u00f6lf\n".encode(encoding))] == ["eins", "zw\u00f6lf"]


def test_a_line_without_end_is_cut() -> None:
    first, second = lines_of(b"x" * 9_000_000 + b"\nlast\n")
    assert (len(first), second) == (MAX_REPORT_CHARACTERS, "last")


@pytest.mark.parametrize("size", [1, 7, 1000, 10**7])
def test_lines_come_out_as_they_went_in_however_the_bytes_come(size: int) -> None:
    content = "a\n\nb\u00e9\r\nc".encode() + b"x" * (MAX_LINE_CHARACTERS + 9) + b"\n\nlast"
    decoder, lines = LineDecoder(), list[str]()
    for start in range(0, len(content), size):
        lines += decoder.feed(content[start : start + size])
    lines += decoder.end()
    assert lines == ["a", "", "b\u00e9\r", "c" + "x" * (MAX_LINE_CHARACTERS - 1), "", "last"]


def test_a_progress_bar_leaves_its_last_state() -> None:
    assert cleaned_line("  1%|\r 50%|\r100%| done") == "100%| done"
