"""A report as annotations for GitHub Actions: workflow commands, a line each.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.diagnosis.finding import Finding
from doctor.reports.document import Report
from doctor.reports.sarif import level_of, message_of, told

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def as_annotations(report: Report) -> str:
    """One command for each place, or for each finding without one; the verdict last, as plain text."""
    lines = [line for each in told(report) for line in _lines(each)]
    for unread in report.program.unread if report.program is not None else ():
        lines.append(_command("warning", "not read", unread.reason, file=unread.file, line=str(max(unread.line, 1))))
    return "".join(f"{line}\n" for line in (*lines, _value(report.verdict.sentence)))


def _lines(finding: Finding) -> Iterator[str]:
    command, title, message = _COMMANDS[level_of(finding)], f"{finding.id} {finding.slug}", message_of(finding)
    if not finding.places:
        yield _command(command, title, message)
    for place in finding.places:
        yield _command(command, title, message, file=place.file.partition("[")[0], line=str(place.line), col=str(place.column))


def _command(command: str, title: str, message: str, **where: str) -> str:
    properties = ",".join(f"{name}={_property(value)}" for name, value in {**where, "title": title}.items())
    return f"::{command} {properties}::{_value(message)}"


def _value(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _value(text).replace(":", "%3A").replace(",", "%2C")
