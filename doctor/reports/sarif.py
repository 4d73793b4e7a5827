"""A report as SARIF 2.1.0 (OASIS, https://docs.oasis-open.org/sarif/sarif/v2.1.0/), which code hosts and editors show at the line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from doctor.diagnosis.finding import Finding
from doctor.facts.program import Place
from doctor.reports.document import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"silent": "error", "error": "error", "warning": "warning"}


def told(report: Report) -> tuple[Finding, ...]:
    """What is told at a line, or of the environment: what concerns somebody and is not waived, and what the program may set off."""
    return tuple(each for each in report.findings if each.waived is None and (each.concerns_somebody or (each.places and each.status != "cleared")))


def level_of(finding: Finding) -> str:
    """SARIF's level: what only may be met is a note."""
    return _LEVELS[finding.severity] if finding.concerns_somebody else "note"


def message_of(finding: Finding) -> str:
    """What is wrong and what to do, and what the code alone does not say."""
    return " ".join([f"{finding.title}.", finding.remedy, *(f"Depends: {each}" for each in finding.missing)])


def as_sarif(report: Report) -> str:
    """The text of a SARIF log with one run."""
    findings = told(report)
    rules = {each.id: _rule(each) for each in findings}
    positions = {rule: number for number, rule in enumerate(rules)}
    driver = {"name": "meta-tensor-doctor", "version": report.doctor_version, "rules": list(rules.values())}
    notices = [
        {"level": "warning", "message": {"text": each.reason}, **_locations(Place(each.file, max(each.line, 1), 1, "", "certain"))}
        for each in (report.program.unread if report.program is not None else ())
    ]
    invocation = {"executionSuccessful": report.exit_code != 2, "exitCode": report.exit_code, "toolExecutionNotifications": notices}
    results = [result for each in findings for result in _results(each, positions[each.id])]
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results, "columnKind": "unicodeCodePoints"}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(finding: Finding) -> dict[str, Any]:
    rule = {
        "id": finding.id,
        "name": finding.slug,
        "shortDescription": {"text": finding.title},
        "fullDescription": {"text": f"Set off by: {finding.trigger}"},
        "help": {"text": finding.remedy},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"tags": [finding.kind, finding.severity, finding.package]},
    }
    return rule | ({"helpUri": finding.references[0]} if finding.references else {})


def _results(finding: Finding, rule: int) -> Iterator[dict[str, Any]]:
    result = {"ruleId": finding.id, "ruleIndex": rule, "level": level_of(finding), "message": {"text": message_of(finding)}}
    if not finding.places:
        yield result
    seen: dict[str, int] = {}
    for place in finding.places:
        # The line's text, and not its number: it stays the same finding when lines are moved.
        digest = hashlib.sha256("\0".join((finding.id, place.file, place.source)).encode()).hexdigest()[:32]
        seen[digest] = seen.get(digest, 0) + 1
        yield {**result, **_locations(place), "partialFingerprints": {"doctorFinding/v1": f"{digest}:{seen[digest]}"}}


def _locations(place: Place) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": place.line, "startColumn": place.column}
    if place.source:
        region["snippet"] = {"text": place.source}
    file = quote(place.file.partition(".ipynb[")[0] + (".ipynb" if ".ipynb[" in place.file else ""))
    return {"locations": [{"physicalLocation": {"artifactLocation": {"uri": file}, "region": region}}]}
