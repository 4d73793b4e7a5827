"""The public reports that `tools/fit_causes.py` learns from: retold, labelled, and nobody's own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from doctor.explain.explanation import NOT_OURS, UNKNOWN
from doctor.knowledge.matrix_file import builtin_matrix

ROOT = Path(__file__).parents[2]
RETOLD: list[dict[str, Any]] = [json.loads(line) for line in (ROOT / "tools" / "retold.jsonl").read_text("utf-8").splitlines()]
NAMES = {cause.name for cause in builtin_matrix().causes} | {NOT_OURS, UNKNOWN}


def causes_of(report: dict[str, Any]) -> list[str]:
    return report["from_text"]["causes"] if report["from_text"]["decidable"] else [UNKNOWN]


def test_each_is_of_one_public_thread_and_labelled_with_causes_there_are() -> None:
    assert len({each["url"] for each in RETOLD}) == len(RETOLD) > 1000
    for each in RETOLD:
        causes, kind = causes_of(each), each["from_text"]["kind"]
        assert each["url"].startswith("https://")
        assert causes and set(causes) <= NAMES
        assert UNKNOWN not in causes or causes == [UNKNOWN]
        assert kind in ("", "bug", "misuse", "resource", "incompatibility")
        assert not kind or causes[0] not in (NOT_OURS, UNKNOWN)


def test_every_cause_is_among_them() -> None:
    assert {name for each in RETOLD for name in causes_of(each)} == NAMES


def test_each_is_short_as_what_is_retold_is() -> None:
    assert all(len(each["text"]) <= 900 and each["text"].count("\n") < 9 for each in RETOLD)


@pytest.mark.parametrize(
    "private",
    [
        r"[\w.+-]+@[\w-]+\.(?:com|org|net|io|edu|de|cn)\b(?!\w)",
        r"/(?:home|Users)/(?!user\b|\.cache\b)\w+",
        r"(?i)c:\\+users\\+(?!user\b)\w+",
        r"\b(?:hf|sk|ghp)_?-?[A-Za-z0-9]{24,}",
    ],
)
def test_nothing_in_them_is_anybodys(private: str) -> None:
    assert [each["url"] for each in RETOLD if re.search(private, each["text"])] == []
