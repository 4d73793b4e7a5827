"""The command in a process of its own, and the most memory it took.

A process counts the memory of the one it was started from as its own: a small one in between keeps that of the tests out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_IN_TIME_SECONDS = 60
"""Far more than a command takes on a busy machine, and less than a hang."""
_IN_BETWEEN = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
texts = [stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr)]
print(json.dumps([done.returncode, *texts, peak * (1 if sys.platform == "darwin" else 1024)]))
"""


@dataclass(frozen=True)
class Measured:
    """A finished run."""

    code: int
    out: str
    err: str
    memory: int
    """Peak, in bytes."""

    @property
    def report(self) -> Any:
        return json.loads(self.out)


def measured(*arguments: object, cwd: Path, variables: Mapping[str, str] | None = None) -> Measured:
    """Run doctor with nothing active but what `variables` say; it is an error when it hangs or crashes."""
    active = ("VIRTUAL_ENV", "CONDA_PREFIX", "COLUMNS", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in active} | dict(variables or {})
    command = [sys.executable, "-S", "-c", _IN_BETWEEN, sys.executable, "-m", "doctor", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True, env=environment, cwd=cwd, timeout=_IN_TIME_SECONDS)
    ran = Measured(*json.loads(done.stdout))
    assert "Traceback" not in ran.err, ran.err
    assert "fault of doctor's own" not in ran.err, ran.err
    return ran
