"""How many texts a second `doctor triage` explains on a core, with one process and with several: as a ratio to reading the same corpus as JSON.

    python -m benchmarks.triage CORPUS.jsonl [WORKERS ...]

Default: 1 and 2 workers. Prints, for each, seconds of CPU of all its processes and of the clock, texts for each second of CPU, the efficiency (what
one worker takes of CPU, of what these take), and the ratio to `json.loads` of every line. That the rows are the same is looked at too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_LOADS = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)\n"


def main() -> None:
    """Print a line for each number of workers."""
    corpus, *counts = sys.argv[1:]
    loads, _ = _measured([sys.executable, "-c", _LOADS, corpus])
    first: float | None = None
    rows: set[bytes] = set()
    print(f"{'workers':>7} {'CPU, s':>7} {'clock, s':>8} {'texts/s and core':>17} {'efficiency':>10} {'x json.loads':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for workers in counts or ["1", "2"]:
            target = Path(folder) / f"{workers}.jsonl"
            cpu, clock = _measured([sys.executable, "-m", "doctor", "triage", corpus, "--workers", workers, "--output", str(target)])
            first = first or cpu
            written = target.read_bytes()
            rows.add(written)
            rate = written.count(b"\n") / cpu
            print(f"{workers:>7} {cpu:>7.1f} {clock:>8.1f} {rate:>17.0f} {first / cpu:>10.0%} {cpu / loads:>12.0f}", flush=True)
    print("the rows are the same" if len(rows) == 1 else "THE ROWS DIFFER")


def _measured(command: list[str]) -> tuple[float, float]:
    """Seconds of CPU of a command and the processes that it waited for, and seconds of the clock."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(child.pid, 0)
    child.returncode = 0
    return used.ru_utime + used.ru_stime, time.monotonic() - begin


if __name__ == "__main__":
    main()
