"""Which regular expressions a matrix may hold: none that is slow on any text, and none that Python takes only sometimes."""

from __future__ import annotations

import re

import pytest

from doctor.explain.judge import text_patterns
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.pattern import literals_of, pattern_fault
from tests.pumps import samples


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "not a regular expression"),
        ("Meta", "capital letters"),
        (r"a\sb", "over the end of a line"),
        (r"[^x]{1,9}", "over the end of a line"),
        ("a{99999999999}", "number in it is too large"),
        ("(" * 240 + "a" + ")" * 240, "groups"),
        ("a" * 501, "characters"),
        ("[[a]b", "Possible nested set"),
        ("(?>a)", "Python 3.10"),
        ("a{1,3}+b", "Python 3.10"),
        ("(a+)+$", "without an upper limit"),
        ("a.*b.*c", "without an upper limit"),
        (r"\w*_buffer", "without an upper limit"),
        ("(?=.*a)b", "without an upper limit"),
        ("(a{0,9}){0,9}b", "ways"),
        (".{0,200}a.{0,200}b", "ways"),
        ("(?:a|b.{0,200}){1,3}c", "ways"),
    ],
)
def test_a_pattern_that_would_do_harm_is_a_fault(pattern: str, says: str) -> None:
    with_newer_syntax_refused = "Python 3.10" in says
    assert re.search(says, pattern_fault(pattern) or "") or (with_newer_syntax_refused and pattern_fault(pattern))


@pytest.mark.parametrize("pattern", [r"device_map ?= ?['\"]?auto", r"\bmeta\b.{0,120}\boffload", "(?:a |b ){0,4}c", "(?!.{0,400}a).{0,200}b"])
def test_what_has_limits_is_taken(pattern: str) -> None:
    assert pattern_fault(pattern) is None


def test_every_pattern_that_is_looked_for_is_one() -> None:
    assert {each: fault for each in text_patterns(builtin_matrix()) if (fault := pattern_fault(each))} == {}


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("a(?:bcd|efg)h", {"abcdh", "aefgh"}),
        (r"re-?t(?:ie|ying)\b", {"retie", "re-tie", "retying", "re-tying"}),
        (r"\.(?:to|cuda)\(", {".to(", ".cuda("}),
        ("x{0,3}abc", {"abc"}),
        ("(?:off){1,3}", {"off"}),
        ("(?=.{0,9}zzz)ab", {"ab"}),
        ("(?i:abc)d", {"d"}),
        ("[^a]|b", None),
        ("a?b?", None),
    ],
)
def test_what_every_match_holds(pattern: str, literals: set[str] | None) -> None:
    assert literals_of(pattern) == literals


def test_every_text_that_a_pattern_finds_holds_one_of_its_literals() -> None:
    checked = 0
    for pattern in text_patterns(builtin_matrix()):
        literals = literals_of(pattern)
        for text in samples(re.compile(pattern, re.MULTILINE | re.ASCII)):
            found = re.search(pattern, text, re.MULTILINE | re.ASCII)
            if found is not None and literals is not None:
                checked += 1
                assert any(each in found[0] for each in literals), (pattern, text)
    assert checked > 200
