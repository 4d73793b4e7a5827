"""Reports of doctor's as a source."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from doctor.diagnosis.diagnosis import diagnose
from doctor.errors import DoctorError
from doctor.facts.environment import Disk, Python, Unknown
from doctor.reports.document import report_on
from doctor.reports.json import as_json
from doctor.reports.redact import Redactor
from tests.environments import environment, matrix, reading_of, stated

HERE = replace(
    environment(torch="2.9.0+cpu", lib="9.1"),
    python=Python("~/venv/bin/python", "3.11.7", "CPython", "~/venv", "named with --python"),
    disk=Disk("~", 1024**3),
    unknown=(Unknown("drivers", "no answer"),),
    variables={"RANK": "0"},
    sources={"python.version": "line 3"},
)


def document() -> Any:
    diagnosis = diagnose(HERE, matrix("MT001 bug error lib [-,-)"), {})
    return json.loads(as_json(report_on(diagnosis, Redactor((), None, None))))


@pytest.mark.parametrize("before", ["", "\n\n", "The report:\n\n```json\n"])
def test_a_report_gives_back_its_environment(before: str) -> None:
    report = as_json(report_on(diagnose(HERE, matrix("MT001 bug error lib [-,-)"), {}), Redactor((), None, None)))
    assert reading_of(before + report).attached == HERE
    assert stated(before + report, "report.json") == replace(HERE, read_from="report.json: a report of doctor's")


def test_keys_of_a_newer_doctor_are_passed_over() -> None:
    data = document()
    data["environment"]["colour"] = "blue"
    data["environment"]["python"]["colour"] = "blue"
    assert reading_of(json.dumps(data)).attached == HERE


@pytest.mark.parametrize("key", ["partial", "absent", "variables_known", "read_from", "sources"])
def test_keys_that_an_older_doctor_did_not_write_are_not_missed(key: str) -> None:
    data = document()
    del data["environment"][key]
    assert reading_of(json.dumps(data)).attached is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 3, "doctor_version": "9.0"}, "report.json: a report of schema version 3, written by doctor '9.0'"),
        ({"environment": {}}, "report.json: not a whole report of doctor's: environment"),
        ({"environment": 3}, "report.json: not a whole report of doctor's: environment: expected a mapping"),
    ],
)
def test_a_report_that_cannot_be_used_is_one_clear_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DoctorError) as error:
        reading_of(json.dumps(document() | change), "report.json")
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text", ['{"schema_version": 1, "name": "another program"}', '{"schema_version": 1', "{" * 5000 + '"schema_version"', '{"a": "schema_version"}']
)
def test_other_json_is_no_report(text: str) -> None:
    assert reading_of(text).attached is None
