"""How much dating a traceback costs: the size of the indexes, and the time of look-ups, in fresh processes.

    python benchmarks/dating.py

The traceback is of the largest sort: up to 20 frames in some of the largest files of torch, transformers and accelerate. A first
look-up reads the six files' histories out of the three indexes. A time is the median of the runs; a bare start of Python, which a
user knows, is measured beside them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from doctor.dating.fingerprints import index_folder

RUNS = 9
BUDGET_BYTES = 3 * 1024 * 1024
_FILES = {
    "transformers": ("transformers/modeling_utils.py", "transformers/trainer.py"),
    "torch": ("torch/nn/modules/module.py", "torch/_meta_registrations.py"),
    "accelerate": ("accelerate/big_modeling.py", "accelerate/hooks.py"),
}
_FRAMES = """
from doctor.dating.fingerprints import index_of
import json, sys
frames = []
for distribution, paths in json.loads(sys.argv[1]).items():
    for path in paths:
        history = index_of(distribution).history(path)
        state = history.states[len(history.states) * 2 // 3]
        functions = list(zip(state.names, state.ends))
        frames += [(path, line, name) for name, line in functions[:: len(functions) // 3][:4] if state.function_at(line) == name]
print(json.dumps(frames[:20]))
"""
_LOOK_UPS = """
import json, sys, time
start = time.perf_counter()
from doctor.dating import date_frames
from doctor.facts.symptom import Frame
imported = time.perf_counter()
frames = [Frame("/usr/lib/python3/site-packages/" + path, line, name, sys.argv[2] or None) for path, line, name in json.loads(sys.argv[1])]
before = time.perf_counter()
date_frames(frames)
first = time.perf_counter()
date_frames(frames)
second = time.perf_counter()
print(json.dumps([imported - start, first - before, second - first]))
"""
_IS_LOADED = """
import sys
from doctor.cli import main
main(["check", "--output", sys.argv[1]])
print("loaded" if any(name.startswith("doctor.dating") for name in sys.modules) else "not loaded")
"""


def main() -> None:
    """Measure everything."""
    sizes = {file.stem: file.stat().st_size for file in sorted(index_folder().glob("*.zip"))}
    for distribution, size in sizes.items():
        print(f"{distribution}: {size / 1024:.0f} KiB")
    total = sum(sizes.values())
    print(f"all indexes: {total / 1024:.0f} KiB, {'within' if total <= BUDGET_BYTES else 'OVER'} {BUDGET_BYTES // 1024} KiB")
    frames = _output("-c", _FRAMES, json.dumps(_FILES))
    python = statistics.median(json.loads(_output("-c", _START)) for _ in range(RUNS))
    for title, code in (("that a release has", ""), ("that no release has", "text of no release")):
        runs = [json.loads(_output("-c", _LOOK_UPS, frames, code)) for _ in range(RUNS)]
        imported, first, again = (statistics.median(run[part] for run in runs) * 1000 for part in range(3))
        print(f"{len(json.loads(frames))} frames {title}: import {imported:.0f} ms, first look-up {first:.0f} ms, again {again:.1f} ms")
    print(f"a bare start of Python: {python * 1000:.0f} ms")
    print(f"by `doctor check` it is {_output('-c', _IS_LOADED, os.devnull).strip()}")


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
