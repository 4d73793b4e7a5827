"""The reply to post under a report, and the labels it gets."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from doctor.reports.triage import labels_of, triage_reply
from tests.reports.golden import FOLDER
from tests.reports.golden_explanations import TEXTS, explained, triage_replies

REPLIES = triage_replies()


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_the_replies_hold(name: str) -> None:
    assert REPLIES[name] == (FOLDER / name).read_text("utf-8")


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_a_reply_calls_nobody_and_is_markdown(name: str) -> None:
    html = MarkdownIt("commonmark").render(REPLIES[name])
    assert "<strong>" in html
    assert not re.search(r"@\w|(?<!&)#\d", re.sub(r"https?://\S+", "", REPLIES[name]))


def test_a_reply_to_a_text_without_a_failure_says_so() -> None:
    assert triage_reply(explained("The weather is fine.")).startswith("The text shows no failure")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("offloaded", ["cause:offload-then-move", "kind:resource"]),
        ("bare", ["cause:unknown", "needs:traceback", "needs:versions", "needs:code", "needs:device-map"]),
        ("threads", ["cause:thread-race", "kind:bug", "advisory:MT002"]),
        ("not-ours", ["not-ours", "not-ours:other"]),
    ],
)
def test_labels(name: str, labels: list[str]) -> None:
    assert list(labels_of(explained(TEXTS[name]))) == labels


def test_a_text_without_a_failure_gets_no_label() -> None:
    assert labels_of(explained("The weather is fine.")) == ()
