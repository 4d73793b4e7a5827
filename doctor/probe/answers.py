"""What a child printed, as plain data: one JSON object a line, anything else on the line ignored, nothing of its shape trusted."""

from __future__ import annotations

import json
from typing import Any

from doctor.facts.frozen import Frozen


class Device(Frozen):
    """A GPU, as a driver and as torch answer about it."""

    name: str
    memory_total: int | None
    memory_free: int | None
    compute_capability: str | None


def json_answers(stdout: bytes) -> dict[str, Any]:
    """All objects joined, later keys over earlier ones; lines that are no JSON object are skipped."""
    answers: dict[str, Any] = {}
    for line in stdout.decode("utf-8", "replace").splitlines():
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            answers.update(data)
    return answers


def one_line(text: str, limit: int = 300) -> str:
    """`text` without line breaks, at most `limit` characters of it."""
    return " ".join(text[: limit * 2].split())[:limit]


def last_line(stream: bytes, limit: int = 300) -> str:
    """The last line that says something, at most `limit` characters of it."""
    lines = [line.strip() for line in stream.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:limit] if lines else ""
