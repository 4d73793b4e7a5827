"""How long `doctor fleet --reports` takes over many reports, and how much memory: as a ratio to parsing the same files as JSON.

    python -m benchmarks.fleet STACK [REPORTS ...]

STACK is an environment's folder. Default: 1000 and 10000 reports. Prints, for each number, seconds of CPU, those that `json.loads` of the same
files takes in a process of its own, the ratio, and the peak of resident memory. A report is as `doctor report --format json` writes it of STACK,
with each rank's own variables, memory and disk; one in a thousand has another transformers.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_LOADS = "import json, os, sys\nfor each in os.scandir(sys.argv[1]):\n    with open(each.path, 'rb') as file: json.loads(file.read())\n"


def main() -> None:
    """Print a line for each number of reports."""
    print(f"{'reports':>8} {'fleet, s':>9} {'json.loads, s':>14} {'ratio':>6} {'fleet, MiB':>11} {'MB read':>8}")
    stack, *counts = sys.argv[1:]
    command = [sys.executable, "-m", "doctor", "report", "--python", stack, "--format", "json"]
    report = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    for count in [int(each) for each in counts] or [1000, 10_000]:
        with tempfile.TemporaryDirectory() as folder:
            size = _write(Path(folder), report, count)
            fleet, memory = _measured([sys.executable, "-m", "doctor", "fleet", "--reports", folder, "--format", "json"])
            loads, _ = _measured([sys.executable, "-c", _LOADS, folder])
        print(f"{count:>8} {fleet:>9.2f} {loads:>14.2f} {fleet / loads:>6.1f} {memory:>11} {size / 1e6:>8.0f}", flush=True)


def _write(folder: Path, report: dict[str, object], count: int) -> int:
    size = 0
    for rank in range(count):
        document = copy.deepcopy(report)
        facts: dict[str, dict[str, object]] = document["environment"]  # type: ignore[assignment]
        facts["variables"] = {"RANK": str(rank), "LOCAL_RANK": str(rank % 8), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": "8"}
        facts["memory"] = {**facts["memory"], "available": 10**9 + rank}
        facts["disk"] = {**facts["disk"], "free": 10**12 + rank}
        if rank % 1000 == 17:
            found = {"name": "transformers", "version": "4.40.0", "source": "metadata"}
            facts["packages"] = {**facts["packages"], "transformers": found}
        text = json.dumps(document)
        (folder / f"{rank}.json").write_text(text)
        size += len(text)
    return size


def _measured(command: list[str]) -> tuple[float, int]:
    """Seconds of CPU of a command, and the most memory it had, in MiB."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(child.pid, 0)
    child.returncode = 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


if __name__ == "__main__":
    main()
