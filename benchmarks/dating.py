"""How much dating a traceback costs: the size of the indexes, and the time of look-ups, in fresh processes.

    python benchmarks/dating.py

The traceback is the largest sort: 20 frames in the largest files of torch, transformers and accelerate. A time is the median of
the runs; the cost of a first look-up is also given as a ratio to starting Python, which a user knows.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from doctor.dating.fingerprints import index_folder

RUNS = 9
BUDGET_BYTES = 3 * 1024 * 1024
_PLACES = (
    ("transformers/modeling_utils.py", (2500, 3400, 3900, 4343, 4500, 4800)),
    ("transformers/trainer.py", (500, 1900, 2100, 2500)),
    ("torch/nn/modules/module.py", (780, 810, 833, 1160, 1326, 1340)),
    ("torch/_meta_registrations.py", (2000,)),
    ("accelerate/big_modeling.py", (300, 500)),
    ("accelerate/hooks.py", (165,)),
)
_LOOK_UPS = f"""
import json, time
start = time.perf_counter()
from doctor.dating import date_frames
from doctor.symptom import Frame
imported = time.perf_counter()
frames = [Frame("/usr/lib/python3/site-packages/" + path, line, "to", "return self._apply(convert)") for path, lines in {_PLACES!r} for line in lines]
date_frames(frames)
first = time.perf_counter()
date_frames(frames)
second = time.perf_counter()
print(json.dumps([imported - start, first - imported, second - first]))
"""
_NOTHING_LOADED = "import sys; from doctor.cli import main; main(['matrix', 'list', '--output', sys.argv[1]]); print(any('doctor.dating' in m for m in sys.modules))"


def main() -> None:
    """Measure everything."""
    sizes = {file.stem: file.stat().st_size for file in sorted(index_folder().glob("*.zip"))}
    for distribution, size in sizes.items():
        print(f"{distribution}: {size / 1024:.0f} KiB")
    total = sum(sizes.values())
    print(f"all indexes: {total / 1024:.0f} KiB, {'within' if total <= BUDGET_BYTES else 'OVER'} {BUDGET_BYTES // 1024} KiB")
    runs = [json.loads(_output("-c", _LOOK_UPS)) for _ in range(RUNS)]
    python = statistics.median(json.loads(_output("-c", _START)) for _ in range(RUNS))
    imported, first, second = (statistics.median(run[part] for run in runs) for part in range(3))
    print(f"import: {imported * 1000:.0f} ms; bare start of Python: {python * 1000:.0f} ms")
    print(f"20 frames of 3 distributions, 6 files: first {first * 1000:.0f} ms ({first / python:.1f} x a bare Python), again {second * 1000:.1f} ms")
    print(f"doctor without explain or date loads it: {_output('-c', _NOTHING_LOADED, '/dev/null').strip()}")


_START = """
import subprocess, sys, time
start = time.perf_counter()
subprocess.run([sys.executable, "-c", ""])
print(time.perf_counter() - start)
"""


def _output(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
