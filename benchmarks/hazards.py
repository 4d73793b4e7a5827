"""How long reading a program takes, beside a linter that everybody knows on the same files.

    python -m benchmarks.hazards FOLDER

FOLDER holds much Python: the `transformers` folder of an installed transformers, for example. Printed are CPU seconds and ratios, of
one run: the first reading, the second (which finds what was kept), `ruff check --select F` without its cache, and torchfix where it is
installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

_SCAN = "import json, sys; from doctor.hazards.scan import scan; program = scan(sys.argv[1:]); print(json.dumps([program.files, program.lines]))"


def cpu_seconds(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, str]:
    """The CPU time of a command and of its children, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def main(folder: str) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        scan = [sys.executable, "-c", _SCAN, folder]
        first, printed = cpu_seconds(scan, environment)
        second, _ = cpu_seconds(scan, environment)
        files, lines = json.loads(printed)
        print(f"{files} files, {lines} lines")
        print(f"first reading   {first:6.1f} s   {lines / first:8.0f} lines a second")
        print(f"second reading  {second:6.1f} s   {second / first:8.2f} of the first")
        ruff, _ = cpu_seconds(
            [
                "ruff",
                "check",
                "--no-cache",
                "--no-respect-gitignore",
                "--isolated",
                "--config",
                "exclude = []",
                "--select",
                "F",
                "--exit-zero",
                "--quiet",
                folder,
            ],
            environment,
        )
        print(f"ruff check      {ruff:6.1f} s   {first / ruff:8.1f} times as long takes the first reading")
        if importlib.util.find_spec("torchfix") is not None:
            torchfix, _ = cpu_seconds([sys.executable, "-m", "torchfix", folder], environment)
            print(f"torchfix        {torchfix:6.1f} s   {first / torchfix:8.2f} of its time takes the first reading")


if __name__ == "__main__":
    main(*sys.argv[1:])
