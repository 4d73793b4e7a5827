"""How long `doctor explain` takes over large logs, and how much memory: as ratios to reading the same file line by line.

    python benchmarks/explain.py [MEGABYTES ...]

Default: 10 and 100 MB. Prints, for each size, seconds of CPU, the ratio to `for line in open(log)` in Python, and the peak of
resident memory. The log is written to a temporary folder: four kinds of lines, and a traceback in the middle.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

_TRACEBACK = """\
Traceback (most recent call last):
  File "finetune.py", line 12, in <module>
    trainer = Trainer(model=model)
  File "/opt/venv/lib/python3.11/site-packages/transformers/trainer.py", line 740, in _move_model_to_device
    model = model.to(device)
NotImplementedError: Cannot copy out of meta tensor; no data!
"""
_LINES = (
    "2026-11-22 18:45:33,123 INFO trainer.py:{0}] step {0}: loss 0.{0} lr 1e-05 grad_norm 1.{0}\n",
    "[rank1]: W1122 18:45:33.123000 {0} torch/distributed/run.py:792] thread {0} of 8 is waiting for offload\n",
    '{{"loss": 0.{0}, "epoch": {0}.5, "learning_rate": 1e-05}}\n',
    "Loading checkpoint shards: {0}% File not found in cache, downloading shard {0}\n",
)
_READ = "import sys\nfor line in open(sys.argv[1]):\n    pass\n"


def main() -> None:
    """Print a line for each size."""
    sizes = [int(each) for each in sys.argv[1:]] or [10, 100]
    print(f"{'MB':>5} {'explain, s':>11} {'per 10 MB, s':>13} {'x reading lines':>16} {'peak memory, MiB':>17}")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            log = _written(Path(folder) / f"{size}.log", size * 1_000_000)
            explain, memory = _measured([sys.executable, "-m", "doctor", "explain", str(log), "--format", "json"])
            reading, _ = _measured([sys.executable, "-c", _READ, str(log)])
            print(f"{size:>5} {explain:>11.1f} {explain / size * 10:>13.2f} {explain / reading:>16.0f} {memory:>17}")


def _written(log: Path, size: int) -> Path:
    lines = "".join(_LINES[number % len(_LINES)].format(number) for number in range(10_000))
    half = size // 2 // len(lines) + 1
    with log.open("w") as file:
        for part in (*[lines] * half, _TRACEBACK, *[lines] * half):
            file.write(part)
    return log


def _measured(command: list[str]) -> tuple[float, int]:
    """Seconds of CPU of a command, and the most memory any command so far has had, in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss // 1024


if __name__ == "__main__":
    main()
