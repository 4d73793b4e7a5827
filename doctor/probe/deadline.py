"""By when what is asked of files must be answered: a folder may hold more of them than anybody waits for."""

from __future__ import annotations

import math
import time

from doctor.facts.frozen import Frozen


class Deadline(Frozen):
    """A point in time."""

    seconds: float
    """How long there was, for the reason of what could not be had."""
    at: float
    """On the clock of `time.monotonic`."""

    @classmethod
    def within(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(seconds, time.monotonic() + seconds)

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self.at


NEVER = Deadline(math.inf, math.inf)
