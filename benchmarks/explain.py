"""How long `doctor explain` takes over large logs, and how much memory: as ratios to reading the same file line by line.

    python benchmarks/explain.py [MEGABYTES ...]

Default: 10 and 100 MB. Prints, for each size and kind of log, seconds of CPU, megabytes a second (the time that an empty text takes left
out), the ratio to `for line in open(log)` in Python, and the peak of resident memory. The logs are written to a temporary folder: four
kinds of lines, and a traceback in the middle. Their kinds: `repeated` (the lines differ in their numbers), `distinct` (a new word in every
line), `telling` (the same, and among its words are all that a failure is looked for by).
"""

from __future__ import annotations

import itertools
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_TRACEBACK = """\
Traceback (most recent call last):
  File "finetune.py", line 12, in <module>
    trainer = Trainer(model=model)
  File "/opt/venv/lib/python3.11/site-packages/transformers/trainer.py", line 740, in _move_model_to_device
    model = model.to(device)
NotImplementedError: Cannot copy out of meta tensor; no data!
"""
_LINES = """\
2026-11-22 18:45:33,123 INFO trainer.py:{0}] step {0}: loss 0.{0} {1} lr 1e-05 grad_norm 1.{0}
[rank1]: W1122 18:45:33.123000 {0} torch/distributed/run.py:792] thread {0} of 8 is waiting for {1}
{{"loss": 0.{0}, "epoch": {0}.5, "learning_rate": 1e-05, "run": "{1}"}}
Loading checkpoint shards: {0}% File {1} not found in cache, downloading shard {0}
"""
_TELLING = "[rank2]: {0} errors, exceptions: 0, offload {1}, meta {1}, torch, transformers, accelerate\n"
_KINDS = ("repeated", "distinct", "telling")
_READ = "import sys\nfor line in open(sys.argv[1]):\n    pass\n"


def main() -> None:
    """Print a line for each size and kind."""
    sizes = [int(each) for each in sys.argv[1:]] or [10, 100]
    print(f"{'MB':>5} {'kind':<9} {'explain, s':>11} {'MB/s':>6} {'x reading lines':>16} {'peak memory, MiB':>17}")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "a.log"
        log.write_text(_TRACEBACK)
        start, _ = _measured(_explain(log))
        for size in sizes:
            for kind in _KINDS:
                _write(log, size * 1_000_000, kind)
                explain, memory = _measured(_explain(log))
                reading, _ = _measured([sys.executable, "-c", _READ, str(log)])
                print(f"{size:>5} {kind:<9} {explain:>11.2f} {size / (explain - start):>6.0f} {explain / reading:>16.1f} {memory:>17}", flush=True)


def _explain(log: Path) -> list[str]:
    return [sys.executable, "-m", "doctor", "explain", str(log), "--format", "json"]


def _write(log: Path, size: int, kind: str) -> None:
    parts = _parts(kind)
    with log.open("w") as file:
        for end in (size // 2, size):
            while file.tell() < end:
                file.write(next(parts))
            if end < size:
                file.write(_TRACEBACK)


def _parts(kind: str) -> Iterator[str]:
    """Some thousand lines at a time."""
    words = random.Random(1)
    lines = _LINES + _TELLING if kind == "telling" else _LINES
    for first in itertools.count(step=1000):
        part = []
        for number in range(first, first + 1000):
            part.append(lines.format(number, "numpy" if kind == "repeated" else "".join(words.choices("cdhjkqvwxz", k=9))))
        yield "".join(part)


def _measured(command: list[str]) -> tuple[float, int]:
    """Seconds of CPU of a command, and the most memory any command so far has had, in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss // 1024


if __name__ == "__main__":
    main()
