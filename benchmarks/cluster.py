"""What a Ray cluster adds to `doctor triage`: 8 raylets on this machine, against one process and two of a sample.

    python -m benchmarks.cluster CORPUS.jsonl [RAYLETS]

Prints, for one process and for two (of the first 2,000 texts) and for the cluster (of all), how many texts, seconds of CPU (all processes; the one
that reads, gives away and writes; the rest), seconds of the clock, texts for each second of CPU, the share of the clock in which the process that
gives work away was busy (at 100 % it would be what all wait for), and how many cores it could feed: seconds of the others for one of its own. Then
the same for work that is nothing, which is what the scheduling alone takes. That the rows are the same is looked at too.
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
_SAMPLE = 2000
_COLUMNS = ("texts", "CPU, s", "giver, s", "others, s", "clock, s", "texts/s/core", "giver busy", "cores fed")
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
    triage = [sys.executable, "-m", "doctor", "triage"]
    rows: set[bytes] = set()
    print(f"{'':>12}", *(f"{each:>11}" for each in _COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(corpus).read_bytes().splitlines(keepends=True)
        sample = Path(folder) / "sample.jsonl"
        sample.write_bytes(b"".join(lines[:_SAMPLE]))
        for workers in ("1", "2"):
            target = Path(folder) / f"{workers}.jsonl"
            measured = _measured([*triage, str(sample), "--workers", workers, "--output", str(target)])
            _print(f"{workers} worker{'s'[: workers != '1']}", len(lines[:_SAMPLE]), *measured)
            rows.add(target.read_bytes())
        with _cluster(int(count[0]) if count else 8) as (address, processes):
            target = Path(folder) / "cluster.jsonl"
            _print("cluster", len(lines), *_measured([*triage, corpus, "--ray", address, "--output", str(target)], processes))
            rows.add(b"".join(target.read_bytes().splitlines(keepends=True)[:_SAMPLE]))
            _print("no work", len(lines), *_measured([sys.executable, "-c", _NOTHING, address, corpus], processes))
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
    begin, before = time.monotonic(), _used(cluster.pid) if cluster is not None else {}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_LOOPBACK)
    seen: dict[int, float] = {}
    ended = threading.Event()

    def watch() -> None:  # workers are gone when the command is
        while not ended.wait(0.5):
            seen.update(_used(cluster.pid if cluster is not None else child.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    _, status, used = os.wait4(child.pid, 0)
    clock = time.monotonic() - begin
    ended.set()
    watching.join()
    child.returncode = status
    others = sum(seconds - before.get(pid, 0.0) for pid, seconds in seen.items() if pid != child.pid)
    return used.ru_utime + used.ru_stime - (others if cluster is None else 0.0), others, clock


def _used(root: int) -> dict[int, float]:
    """Seconds of CPU of each process below one."""
    found = {}
    with contextlib.suppress(psutil.Error):
        for each in psutil.Process(root).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                found[each.pid] = sum(each.cpu_times()[:2])
    return found


def _print(name: str, texts: int, giver: float, others: float, clock: float) -> None:
    cpu = giver + others
    seconds = [f"{each:.1f}" for each in (cpu, giver, others, clock)]
    told = (str(texts), *seconds, f"{texts / cpu:.0f}", f"{giver / clock:.1%}", f"{others / giver:.0f}")
    print(f"{name:>12}", *(f"{each:>11}" for each in told), flush=True)


if __name__ == "__main__":
    main()
