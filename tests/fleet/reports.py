"""Reports of many ranks, as files: what differs between them is planted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from doctor.diagnosis.diagnosis import diagnose
from doctor.facts.environment import Environment
from doctor.facts.seen import CheckpointSeen
from doctor.reports.document import report_on
from doctor.reports.json import as_json
from doctor.reports.redact import Redactor
from tests.environments import environment, matrix

GIB = 1024**3
USUAL = replace(environment(torch="2.6.0+cu124", transformers="4.49.0", accelerate="1.6.0"), disk=replace(environment().disk, free=500 * GIB))
MODEL = CheckpointSeen("org/model", files=2, bytes=4 * GIB, loading=GIB, digest="a" * 32)
Change = Callable[[Environment], Environment]


def report_text(
    here: Environment = USUAL, checkpoint: CheckpointSeen | None = None, config: Mapping[str, str] | None = None, **variables: Any
) -> str:
    """The JSON that a rank with these variables writes."""
    here = replace(here, variables={name: str(value) for name, value in variables.items()})
    diagnosis = diagnose(here, matrix(), {})
    return as_json(report_on(diagnosis, Redactor((), None, None), accelerate_config=config, checkpoint=checkpoint))


def write_ranks(folder: Path, count: int, odd: Mapping[int, Change], **variables: Any) -> None:
    """A report of each rank of one node, in `RANK.json`; those of `odd` are of a changed environment."""
    usual: Any = json.loads(report_text(**variables))
    for number in range(count):
        own = {"RANK": str(number), "LOCAL_RANK": str(number), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
        document = json.loads(report_text(odd[number](USUAL), **variables)) if number in odd else usual
        facts = {**document["environment"], "variables": {**document["environment"]["variables"], **own}}
        facts["memory"] = {**facts["memory"], "available": facts["memory"]["available"] - number}
        (folder / f"{number}.json").write_text(json.dumps({**document, "environment": facts}))
