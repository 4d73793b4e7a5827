"""Reports of doctor's as a source."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doctor.diagnosis.diagnosis import diagnose
from doctor.errors import DoctorError
from doctor.facts.environment import Disk, Environment, Manager, Platform, Python, Unknown
from doctor.readers.lines import decoded_lines
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


def attached(data: Any) -> Environment:
    found = reading_of(json.dumps(data), "report.json").attached
    assert found is not None
    return found


def test_keys_of_a_newer_doctor_are_passed_over_and_named() -> None:
    data = document()
    data["environment"]["colour"] = "blue"
    data["environment"]["python"]["colour"] = "blue"
    read = attached(data)
    assert replace(read, unknown=HERE.unknown) == HERE
    (said,) = read.unknown[1:]
    assert re.fullmatch(r"doctor '[\d.]+', which wrote the report, says more than this doctor knows of: colour, python.colour", said.reason)


@pytest.mark.parametrize(
    ("changes", "place", "read_as"),
    [
        ({"platform": {"system": "haiku", "release": None, "machine": None}}, "platform.system", {"platform": Platform("unknown", None, None)}),
        ({"manager": {"name": "conda-lock", "project": None}}, "manager.name", {"manager": Manager("pip")}),
        ({"accelerators": [{"kind": "npu", "name": "Ascend", "seen_by": "quantum"}]}, "accelerators[0].kind", {"accelerators": ()}),
        ({"faults": [{"slug": "bewitched", "package": "torch", "detail": "by a witch"}]}, "packages.torch", {"faults": ()}),
    ],
)
def test_words_of_a_newer_doctor_are_left_out_and_said(changes: dict[str, Any], place: str, read_as: dict[str, Any]) -> None:
    data = document()
    data["environment"] |= changes
    read = attached(data)
    assert replace(read, unknown=HERE.unknown) == replace(HERE, **read_as)
    said = read.unknown[len(HERE.unknown)]
    assert (said.fact, said.important) == (place, True)
    assert "which this doctor does not know" in said.reason


def test_of_many_unknown_words_some_are_said_and_the_others_counted() -> None:
    data = document()
    data["environment"]["accelerators"] = [{"kind": f"kind {number}", "name": "x", "seen_by": "torch"} for number in range(500)]
    assert 2 < len(attached(data).unknown) < 20
    assert "490 more" in attached(data).unknown[-1].reason


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("memory", "total"), -1),
        (("memory", "limit"), 10**400),
        (("disk", "free"), 10**30),
        (("disk", "free"), float("nan")),
        (("disk", "free"), float("inf")),
        (("python", "version"), "|"),
        (("python", "version"), "3.10.1\uff11"),
        (("packages", "torch", "version"), "9" * 5000),
        (("packages", "torch", "candidates"), ["9" * 5000]),
        (("packages", "torch", "candidates"), ["four"]),
        (("requirements",), [{"dependent": "lib", "package": "torch", "specifier": "==" + "9" * 5000}]),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_place(place: tuple[str, ...], value: Any) -> None:
    data = document()
    *parents, key = place
    inner = data["environment"]
    for each in parents:
        inner = inner[each]
    inner[key] = value
    with pytest.raises(DoctorError, match=re.escape(f"report.json: not a whole report of doctor's: environment.{'.'.join(place)}")) as error:
        reading_of(json.dumps(data), "report.json")
    assert len(str(error.value)) < 250


def test_half_a_character_in_a_report_is_replaced() -> None:
    data = document()
    data["environment"]["platform"]["release"] = "6.1\ud800"
    assert attached(data).platform.release == "6.1?"


def test_a_report_with_a_long_traceback_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    report = report_on(diagnose(HERE, matrix("MT001 bug error lib [-,-)"), {}), Redactor((), None, None), "Error: torch==1.0\n" * 5000)
    file.write_text(as_json(report))
    with file.open("rb") as stream:
        assert reading_of("\n".join(decoded_lines(stream))).attached == HERE


def test_a_report_that_was_cut_off_is_no_other_list() -> None:
    report = as_json(report_on(diagnose(HERE, matrix("MT001 bug error lib [-,-)"), {}), Redactor((), None, None)))
    with pytest.raises(DoctorError, match=r"report\.json: a report of doctor's that is cut off or damaged"):
        reading_of(report[:-200], "report.json")
    within = stated(f"Python version: 3.10.2\n\n```json\n{report[:-200]}", "issue.txt")
    assert (within.python.version, within.packages) == ("3.10.2", {})
    assert [each.important for each in within.unknown if "cut off or damaged" in each.reason] == [True]


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
