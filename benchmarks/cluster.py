"""What a Ray cluster adds to `doctor triage`: 8 raylets on this machine, against one process and two.

    python -m benchmarks.cluster CORPUS.jsonl [RAYLETS]

Prints, for one process, for two and for the cluster, seconds of CPU (all processes; the one that reads, gives away and writes; the rest), seconds
of the clock, texts for each second of CPU, and the share of the clock in which the process that gives work away was busy: at 100 % it would be what
all wait for. Then the same for work that is nothing, which is what the scheduling alone takes. That the rows are the same is looked at too.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

_CLUSTER = Path(__file__).parent.parent / "tests" / "programs" / "ray_cluster.py"
_LOOPBACK = {**os.environ, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
_NOTHING = """
import sys
from doctor.fleet.cluster import connected, in_cluster
from doctor.fleet.corpus import read_corpus
def length(texts): return [len(each.content) for each in texts]
with connected(sys.argv[1], {}) as ray:
    for _ in in_cluster(ray, length, read_corpus(sys.argv[2]), lambda text: 0): pass
"""


def main() -> None:
    """Print a line for each way."""
    corpus, *count = sys.argv[1:]
    with Path(corpus).open("rb") as lines:
        texts = sum(1 for _ in lines)
    triage = [sys.executable, "-m", "doctor", "triage", corpus]
    rows: set[bytes] = set()
    print(f"{'':>12} {'CPU, s':>7} {'giver, s':>8} {'others, s':>9} {'clock, s':>8} {'texts/s and core':>16} {'giver busy':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for workers in ("1", "2"):
            target = Path(folder) / f"{workers}.jsonl"
            _print(f"{workers} worker{'s'[: workers != '1']}", texts, *_measured([*triage, "--workers", workers, "--output", str(target)]))
            rows.add(target.read_bytes())
        with _cluster(int(count[0]) if count else 8) as (address, processes):
            target = Path(folder) / "cluster.jsonl"
            _print("cluster", texts, *_measured([*triage, "--ray", address, "--output", str(target)], processes))
            rows.add(target.read_bytes())
            _print("no work", texts, *_measured([sys.executable, "-c", _NOTHING, address, corpus], processes))
    print("the rows are the same" if len(rows) == 1 else "THE ROWS DIFFER")


@contextlib.contextmanager
def _cluster(count: int) -> Iterator[tuple[str, psutil.Process]]:
    command = [sys.executable, str(_CLUSTER), json.dumps([{}] * count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=_LOOPBACK) as running:
        assert running.stdin is not None and running.stdout is not None
        yield json.loads(next(line for line in running.stdout if line.startswith("{")))["address"], psutil.Process(running.pid)
        running.stdin.close()


def _measured(command: list[str], cluster: psutil.Process | None = None) -> tuple[float, float, float]:
    """Seconds of CPU of a command itself, of the processes that it or a cluster had meanwhile, and seconds of the clock."""
    begin, before = time.monotonic(), _used(cluster)
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_LOOPBACK)
    seen: dict[int, float] = {}
    ended = threading.Event()

    def watch() -> None:  # workers are gone when the command is
        while not ended.wait(0.5):
            seen.update(_used(cluster or psutil.Process(child.pid)))

    watching = threading.Thread(target=watch)
    watching.start()
    _, status, used = os.wait4(child.pid, 0)
    clock = time.monotonic() - begin
    ended.set()
    watching.join()
    child.returncode = status
    others = sum(seconds - before.get(pid, 0.0) for pid, seconds in seen.items() if pid != child.pid)
    return used.ru_utime + used.ru_stime - (others if cluster is None else 0.0), others, clock


def _used(root: psutil.Process | None) -> dict[int, float]:
    found = {}
    with contextlib.suppress(psutil.Error):
        for each in root.children(recursive=True) if root is not None else ():
            with contextlib.suppress(psutil.Error):
                found[each.pid] = sum(each.cpu_times()[:2])
    return found


def _print(name: str, texts: int, giver: float, others: float, clock: float) -> None:
    cpu = giver + others
    print(f"{name:>12} {cpu:>7.1f} {giver:>8.1f} {others:>9.1f} {clock:>8.1f} {texts / cpu:>16.0f} {giver / clock:>10.1%}", flush=True)


if __name__ == "__main__":
    main()
