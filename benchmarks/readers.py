"""How long each reader of text takes, and how much memory, against the size of the text: as ratios to reading the same file line by line.

    python -m benchmarks.readers [--megabytes 1 10 50] [--readers NAME ...] [--shapes SHAPE ...]

For every reader, shape and size a row: seconds of CPU, megabytes a second, the ratio to `for line in open(file)` in Python, and what the
peak of resident memory grew by over an empty file. The texts are written to a temporary folder. Their shapes: `repeated` (a piece of the
reader's format again and again, its numbers counted up), `distinct` (the same, a new word in every line), `one line`, `empty lines`,
and `nested` (brackets in brackets, behind the beginning of a report of doctor's). A measurement is given up after a minute.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from doctor.errors import DoctorError
from doctor.explain.judge import text_patterns
from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import load_matrix
from doctor.readers.clues import ClueReader
from doctor.readers.environments import environment_of
from doctor.readers.labelled import LabelledReader
from doctor.readers.lines import cleaned, decoded_lines
from doctor.readers.listings import CondaFileReader, ListingReader
from doctor.readers.locks import LockReader
from doctor.readers.paths import PathReader
from doctor.readers.prefixes import PrefixReader
from doctor.readers.prose import ProseReader
from doctor.readers.statements import Ledger
from doctor.readers.texts import read_text
from doctor.readers.tracebacks import TracebackReader
from doctor.readers.variables import VariableReader

SHAPES = ("repeated", "distinct", "one line", "empty lines", "nested")
SECONDS = 60
_READ = "import sys\nfor line in open(sys.argv[1]):\n    pass\n"
_LOG = """\
2026-11-22 18:45:33,123 INFO trainer.py:{0}] step {0}: loss 0.{0} {1} lr 1e-05 grad_norm 1.{0}
[rank1]: W1122 18:45:33.123000 {0} torch/distributed/run.py:792] thread {0} of 8 is waiting for {1}
Loading checkpoint shards: {0}% File {1} not found in cache, downloading shard {0}
"""
_TRACEBACK = """\
Traceback (most recent call last):
  File "finetune_{1}.py", line {0}, in <module>
    trainer = Trainer(model=model)
  File "/opt/venv/lib/python3.11/site-packages/transformers/trainer.py", line {0}, in _move_model_to_device
    model = model.to(device)
NotImplementedError: Cannot copy out of meta tensor; no data! {1}

"""
_LABELLED = """\
- `transformers` version: 4.46.{0}
- Platform: Linux-5.15.0-{0}-{1}-x86_64-with-glibc2.35
- Python version: 3.11.{0}
- PyTorch version (GPU?): 2.5.1+cu124 (True) {1}
- Using GPU in script?: {1}
"""
_LIST = "{1}-{0}   1.{0}.0\ntorch   2.5.1\ntransformers   4.46.3\n{1}   0.{0}\n"
_FREEZE = "{1}-{0}==1.{0}.0\ntorch==2.5.1\ntransformers==4.46.3\n{1}==0.{0}\n"
_CONDA = "  - {1}=1.{0}.0=py311h{0}\n  - pytorch=2.5.1=py3.11_cuda12.4\n  - transformers=4.46.3=pyhd8ed1ab_0\n  - {1}-{0}=4.46.3\n"
_LOCK = """\
[[package]]
name = "{1}-{0}"
version = "1.{0}.0"
source = {{ registry = "https://pypi.org/simple" }}
dependencies = [
    {{ name = "torch" }},
]
sdist = {{ url = "https://files.pythonhosted.org/packages/1d/{1}/{1}-1.{0}.0.tar.gz", hash = "sha256:0fc4b3f2{0}91", size = 1120{0} }}
wheels = [
    {{ url = "https://files.pythonhosted.org/packages/be/{1}-1.{0}.0-py3-none-any.whl", hash = "sha256:9abc{0}de77", size = 995{0} }},
]

"""
_PROSE = "I'm on transformers v4.51.{0} with torch 2.6.0, and {1} fails; upgrading to 4.52 did not help. My {1} has accelerate 1.{0}.0.\n"
_PATHS = '  File "/opt/conda/lib/python3.{0}/site-packages/{1}-1.{0}.0-py3.11.egg/{1}/a.py", line {0}, in f\n'
_VARIABLES = "export WORLD_SIZE={0} {1}=1\nCUDA_VISIBLE_DEVICES={0} python {1}.py\nos.environ['RANK'] = '{0}'  # {1}\n"
_HEADS = {_LIST: "Package Version\n------- -------\n", _CONDA: "dependencies:\n  - python=3.11.7\n"}
_REPORT = '{"schema_version": 2, "doctor_version": "1.0", "environment": '


def _lines_only(lines: Iterator[str]) -> None:
    for _ in lines:
        pass


def _fed(make: Callable[[], Callable[[int, str], object]]) -> Callable[[Iterator[str]], None]:
    def read(lines: Iterator[str]) -> None:
        feed = make()
        for number, line in enumerate(lines, 1):
            feed(number, line)

    return read


def _stated(name: str) -> Callable[[Iterator[str]], None]:
    def read(lines: Iterator[str]) -> None:
        with contextlib.suppress(DoctorError):  # a lock file of empty lines is none
            environment_of(read_text(lines, name, tuple(load_matrix().packages))[0], ())

    return read


def _explain(lines: Iterator[str]) -> None:
    explain_lines(lines, load_matrix())


READERS: dict[str, tuple[str, Callable[[Iterator[str]], None]]] = {
    "lines": (_LOG, _lines_only),
    "prefixes": (_LOG, _fed(lambda: PrefixReader().read)),
    "tracebacks": (_TRACEBACK, _fed(lambda: TracebackReader().feed)),
    "clues": (_LOG, _fed(lambda: ClueReader(text_patterns(load_matrix())).feed)),
    "labelled": (_LABELLED, _fed(lambda: LabelledReader(Ledger()).feed)),
    "listings": (_LIST, _fed(lambda: ListingReader(Ledger()).feed)),
    "conda": (_CONDA, _fed(lambda: CondaFileReader(Ledger()).feed)),
    "locks": (_LOCK, _fed(lambda: LockReader(Ledger()).feed)),
    "prose": (_PROSE, _fed(lambda: ProseReader(Ledger()).feed)),
    "paths": (_PATHS, _fed(lambda: PathReader(Ledger()).feed)),
    "variables": (_VARIABLES, _fed(lambda: VariableReader(Ledger()).feed)),
    "a list": (_LIST, _stated("a.txt")),
    "a freeze": (_FREEZE, _stated("requirements.txt")),
    "a conda file": (_CONDA, _stated("environment.yml")),
    "a lock file": (_LOCK, _stated("uv.lock")),
    "a lock in a text": (_LOCK, _stated("issue.txt")),
    "an issue": (_LABELLED + _PROSE + _TRACEBACK, _stated("issue.txt")),
    "explain: a log": (_LOG, _explain),
    "explain: tracebacks": (_TRACEBACK, _explain),
    "explain: an issue": (_LABELLED + _PROSE + _TRACEBACK, _explain),
}
"""By name: a piece of the format, in which {0} is a number and {1} a word, and what reads lines of it."""


def main() -> None:
    """Print a line for each reader, shape and size."""
    parser = argparse.ArgumentParser(description="Measure the readers of text.")
    parser.add_argument("--megabytes", nargs="+", type=int, default=[1, 10, 50])
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--read", nargs=2, metavar=("READER", "FILE"), help="only read a file, in this process")
    options = parser.parse_args()
    if options.read:
        _read(*options.read)
        return
    print(f"{'reader':<20} {'shape':<12} {'MB':>4} {'CPU, s':>8} {'MB/s':>7} {'x reading lines':>16} {'memory, MiB':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for reader in options.readers:
            nothing = _measured(_command(reader, _written(Path(folder), reader, "repeated", 0)))
            for shape in options.shapes:
                for size in options.megabytes:
                    print(_row(reader, shape, size, _written(Path(folder), reader, shape, size * 1_000_000), nothing), flush=True)


def _row(reader: str, shape: str, size: int, file: Path, nothing: tuple[float, int] | None) -> str:
    head, read, lines = f"{reader:<20} {shape:<12} {size:>4}", _measured(_command(reader, file)), _measured([sys.executable, "-c", _READ, str(file)])
    if read is None or nothing is None or lines is None:
        return f"{head}  failed, or over {SECONDS}"
    seconds = max(read[0] - nothing[0], 0.01)
    return f"{head} {seconds:>8.2f} {size / seconds:>7.1f} {seconds / max(lines[0], 0.01):>16.1f} {read[1] - nothing[1]:>12}"


def _written(folder: Path, reader: str, shape: str, size: int) -> Path:
    """A text of about so many bytes."""
    file = folder / "text"
    with file.open("w", encoding="utf-8") as text:
        for part in _parts(READERS[reader][0], shape):
            if text.tell() >= size:
                break
            text.write(part)
    return file


def _parts(piece: str, shape: str) -> Iterator[str]:
    words = random.Random(1)
    if shape == "nested":
        yield _REPORT
    elif piece in _HEADS and shape != "empty lines":
        yield _HEADS[piece]
    number = 0
    while True:
        number += 1
        if shape == "empty lines":
            yield "\n" * 4096
        elif shape == "nested":
            yield '[{"a": ' * 512
        elif shape == "distinct":
            yield "".join(line.format(number, "".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=9))) for line in piece.splitlines(keepends=True))
        else:
            text = piece.format(number, "numpy")
            yield text if shape == "repeated" else text.replace("\n", " ")


def _command(reader: str, file: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.readers", "--read", reader, str(file)]


def _read(reader: str, file: str) -> None:
    with open(file, "rb") as stream:
        lines = decoded_lines(stream)
        READERS[reader][1](lines if reader.startswith(("a", "explain")) else cleaned(lines))


def _measured(command: list[str]) -> tuple[float, int] | None:
    """Seconds of CPU of a command, and its peak of resident memory in MiB; None when it took over a minute."""
    measure = "import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], check=True)\nused = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
    measure += "print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)"
    limited = lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))  # noqa: E731
    ran = subprocess.run([sys.executable, "-c", measure, *command], capture_output=True, text=True, check=False, preexec_fn=limited)
    if ran.returncode:
        return None
    seconds, memory = ran.stdout.split()
    return float(seconds), int(memory)


if __name__ == "__main__":
    main()
