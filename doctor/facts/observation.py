"""What a reproducer saw in one environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["reproduced", "not reproduced", "not applicable", "broken"]


@dataclass(frozen=True, slots=True)
class Observation:
    """What the reproducer of one advisory saw."""

    id: str
    verdict: Verdict
    """`broken`: it could not tell, for the reason in `detail`."""
    detail: str
    """One line: the error, what differed, or what was checked."""
