"""The way back: what a report carries is found again, whatever was done to its text on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser

import jsonschema
import pytest
from hypothesis import given, strategies as st

from doctor.facts.environment import Environment
from doctor.knowledge import schema
from doctor.readers.embedded import embedded_report
from doctor.reports.html import html
from doctor.reports.json import as_json, published_schemas
from doctor.reports.markdown import TEMPLATES, markdown
from tests.reports.golden import golden_attachment

ATTACHMENT = golden_attachment()


def _forms() -> dict[str, str]:
    forms = {f"markdown {name}": markdown(ATTACHMENT, name) for name in TEMPLATES}
    return {**forms, "html": html(ATTACHMENT, {}), "json": as_json(ATTACHMENT.report)}


def _indented(text: str) -> str:
    return json.dumps(json.loads(embedded_report(text) or ""), indent=4)


class _Copied(HTMLParser):
    """What is on the clipboard after "select all, copy" in a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


def _copied_from_page(text: str) -> str:
    from markdown_it import MarkdownIt

    if text.startswith("{"):
        return text
    parser = _Copied()
    parser.feed(text if text.startswith("<!doctype") else MarkdownIt("commonmark").render(text))
    return parser.text


_WAYS: dict[str, Callable[[str], str]] = {
    "as it was written": str,
    "with other line ends": lambda text: text.replace("\n", "\r\n"),
    "quoted": lambda text: "\n".join(f"> {line}" for line in text.splitlines()),
    "quoted twice": lambda text: "\n".join(f"> > {line}" for line in text.splitlines()),
    "in the midst of an answer": lambda text: f"Here you are:\n\n{text}\n\nDoes that help? {{}}",
    "with trailing blanks": lambda text: "\n".join(f"{line}  " for line in text.splitlines()),
    "laid out by another program": _indented,
    "copied from the page": _copied_from_page,
    "with no-break spaces": lambda text: text.replace("  ", "\N{NO-BREAK SPACE} "),
    "after text that looks alike": lambda text: f'{{"schema_version": 1, "other": true}}\n{{"schema_version": [\n{text}',
}


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("form", _forms())
def test_what_went_in_comes_out(form: str, way: str) -> None:
    found = embedded_report(_WAYS[way](_forms()[form]))
    assert found is not None
    assert schema.construct(Environment, json.loads(found)["environment"]) == ATTACHMENT.report.environment


def test_the_facts_are_valid_by_their_schema() -> None:
    data = json.loads(embedded_report(markdown(ATTACHMENT)) or "")
    jsonschema.validate(data, json.loads(published_schemas()["facts.schema.json"]))
    assert [each["id"] for each in data["observations"]] == ["MT902"]


def test_the_report_is_valid_by_its_schema() -> None:
    data = json.loads(as_json(ATTACHMENT.report))
    jsonschema.validate(data, json.loads(published_schemas()["report.schema.json"]))
    assert "Cannot copy out of meta tensor" in data["traceback"]
    assert data["accelerate_config"]["distributed_type"] == "FSDP"


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 1}', '{"schema_version": 1, "environment"', '{"schema_version": ' + "[" * 100_000])
def test_what_carries_no_report_gives_none(text: str) -> None:
    assert embedded_report(text) is None


@given(st.text())
def test_no_text_is_a_reason_to_fail(text: str) -> None:
    embedded_report(text)
    embedded_report('{"schema_version":' + text)


def test_many_beginnings_are_no_reason_to_take_long() -> None:
    assert embedded_report('{"schema_version": {' * 50_000) is None
