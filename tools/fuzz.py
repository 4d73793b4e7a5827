"""Texts that nobody would write, through every reader and through `explain`: none may crash, none may take long.

    python -m tools.fuzz [--inputs 100000] [--first 0] [--seconds 2] [--keep FOLDER]

Input number N is the same on every machine: a text of a format that doctor reads (what tests write out, tests/hostile/, and pieces of
every format), changed where formats break: lines repeated, swapped, nested, prefixed, cut; numbers made huge or those of other scripts;
parts of two formats joined. Only `DoctorError` may come of it. Prints the inputs that failed, each with its number, and inputs a second;
exit code 1 when there were any. POSIX only: the limit on an input is one of CPU time.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import itertools
import json
import random
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from doctor.errors import DoctorError
from doctor.explain.text import explain_lines
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import load_matrix
from doctor.readers.environments import environment_of
from doctor.readers.lines import LineDecoder, cleaned
from doctor.readers.texts import read_text
from doctor.readers.tracebacks import read_failures

ROOT = Path(__file__).parent.parent
SECONDS = 2.0
_NAMES = (
    None, "uv.lock", "poetry.lock", "pylock.toml", "requirements.txt", "environment.yml", "Pipfile.lock", "pixi.lock", "Dockerfile", "pyproject.toml",
)  # fmt: skip
_MOST_CHARACTERS = 60_000
_EVERY = 50
"""One input in so many may be long, and goes through all of `explain`, which takes ten times as long as the readers do."""
_LINES = (3, 10, 30)
"""Most inputs are short pieces: what breaks a reader is seldom long, and more of them can be tried."""
_SPLIT = (1, 7, 4096)
"""In chunks of how many bytes a text comes."""

_PIECES = (
    "Package Version\n------- -------\ntorch   2.5.1\naccelerate 1.0.1\n",
    "| Package | Version |\n|---|---|\n| torch | 2.5.1 |\n",
    "# packages in environment at /opt/conda:\n#\n# Name Version Build Channel\npytorch 2.5.1 py3.11_cuda12.4 pytorch\n",
    "dependencies:\n  - python=3.11\n  - conda-forge::pytorch=2.5.1=cuda\n  - pip:\n    - accelerate==1.0.1\n",
    "torch==2.5.1 ; python_version > '3'\ntransformers @ git+https://github.com/huggingface/transformers@0123abc\n-e git+https://x/y.git#egg=peft\n",
    '[[package]]\nname = "torch"\nversion = "2.5.1"\nsource = { git = "https://x/y#0123abcd" }\n\n[metadata]\nlock-version = "2.0"\n',
    'lock-version = "1.0"\n[[packages]]\nname = "torch"\nversion = "2.5.1"\nvcs = { type = "git", commit-id = "0123abcd" }\n',
    "- `transformers` version: 4.46.3\n- Platform: Linux-5.15-x86_64\n- Python version: 3.11.7\n- PyTorch version (GPU?): 2.5.1+cu124 (True)\n",
    "PyTorch version: 2.5.1\nIs debug build: False\nGPU 0: NVIDIA A100 (UUID: GPU-1)\n[pip3] torch==2.5.1\n[conda] pytorch 2.5.1 py3 pytorch\n",
    "Name: torch\nVersion: 2.5.1\n",
    "| NVIDIA-SMI 535.104.05  Driver Version: 535.104.05   CUDA Version: 12.2 |\n",
    "Successfully installed torch-2.5.1 accelerate-1.0.1\nRequirement already satisfied: peft in /x (from y) (0.13.0)\n",
    '        "torch": {\n            "version": "==2.5.1"\n        },\n        "peft": {\n            "git": "https://x/y"\n        }\n',
    "packages:\n- conda: https://x/linux-64/pytorch-2.5.1-py3_0.conda\n- name: peft\n  version: 0.13.0\n- pypi: x/torch-2-py3-none-any.whl\n",
    "FROM x\nRUN pip install -r r.txt \\\n  'torch==2.5.1' && conda install -c x peft=0.13.0\n",
    '[project]\ndependencies = [\n  "torch==2.5.1; extra == \'x\'",\n]\n[tool.poetry.dependencies]\npeft = {version = "0.13.0"}\n',
    '[{"name": "torch", "version": "2.5.1"}, {"name": "peft", "version": "0.13"}]\n',
    "I'm on transformers v4.51 with torch 2.6.0+cu124.\n>>> torch.__version__\n'2.6.0'\nexport WORLD_SIZE=8 RANK=0\n",
    'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    m.to("cuda")\n    ~~~~^^^^^^^^\n'
    "NotImplementedError: Cannot copy out of meta tensor; no data!\n",
    "During handling of the above exception, another exception occurred:\n\n",
    "---------------------------------------------------------------------------\nValueError  Traceback (most recent call last)\n"
    "Cell In[3], line 1\n----> 1 f()\n\nFile ~/x/a.py:12, in f(a)\n     11 def f():\n---> 12     g()\n\nValueError: meta\n",
    "\u256d\u2500 Traceback (most recent call last) \u2500\u256e\n\u2502 /x/a.py:12 in f \u2502\n"
    "\u2502 \u2771 12     g() \u2502\n\u2570\u2500\u2500\u256f\nRuntimeError: meta\n",
    "    def test_a():\n>       f()\nE       RuntimeError: meta tensors\n\na.py:3: RuntimeError\n",
    "[rank1]: Traceback (most recent call last):\n[rank1]:   File \"a.py\", line 3, in f\n[rank1]: KeyError: 'lm_head.weight'\n",
    '3: Traceback (most recent call last):\n3:   File "a.py", line 3, in f\n3: RuntimeError: device meta is invalid\n',
    "2026-01-01 10:00:00,123 ERROR [a.py:12] Some weights were newly initialized: ['lm_head.weight']\n",
    '{\n"schema_version": 2,\n"doctor_version": "1.0",\n"environment": {"python": {"version": "3.11.7"}, "packages": {}}\n}\n',
)
_ODD = (
    "\x00", "\x1b[31m", "\x1b]0;title\x07", "\x9b", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u00a0", "\u200b", "\ufeff", "\ufffd",
    "\u202e", "\u0301",
    "\u0130", "\u00df", "\ufb03", "\u0663", "\uff11", "\u00b2", "\u2160", "\U0001d7d8", "\U0001f917",
    "\u5143\u5f20\u91cf", "&#9999999;", "&#xD800;", "&lt;", "\\ud800",
)  # fmt: skip
_NUMBERS = (
    "0",
    "-1",
    "9" * 25,
    "1" + "0" * 400,
    "9" * 4400,
    "1e999",
    "-0",
    "007",
    "\u0661\u0662",
    "\uff14",
    "0x1f",
    "1_000",
    "3.",
    ".5",
    "nan",
    "2**63",
)
_DIGITS = re.compile(r"\d+")
_PREFIXES = (
    "> ", "> > > ", "[rank0]: ", "[rank999999]:", "7: ", "[12] ", "(Worker pid=22) ", "worker-1  | ", "2026-01-01 10:00:00 ", "ERROR:root: ",
    "  ", "\t", "\u2502 ", "| ", "E   ", "    | ", "+-+---- 1 ----\n", "- ", "# ", "\x1b[0m", "{", "[", '"', "(", "[default3]:[rank1]: ",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failed:
    """An input that did what none may."""

    number: int
    text: str
    why: str
    """The traceback, or how long it took."""


def seeds() -> list[str]:
    """Texts of all formats: the pieces, what tests write out over several lines, and the small ones of tests/hostile/."""
    texts = list(_PIECES)
    for file in sorted((ROOT / "tests" / "hostile").glob("[rt]*/*")):
        text = file.read_text("utf-8", errors="replace")
        texts += [text] if len(text) < _MOST_CHARACTERS else []
    for folder in ("readers", "explain", "dating"):
        for file in sorted((ROOT / "tests" / folder).glob("test_*.py")):
            constants = (node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant))
            texts += [each for each in constants if isinstance(each, str) and each.count("\n") > 2 and len(each) < _MOST_CHARACTERS]
    return texts


def changed(number: int, texts: Sequence[str]) -> str:
    """Input number `number`."""
    chance = random.Random(number)
    lines = chance.choice(texts).split("\n")
    start = chance.randrange(len(lines))
    text = "\n".join(lines[start : start + chance.choice(_LINES)]) if chance.random() < 0.7 else "\n".join(lines)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        text = chance.choice(_CHANGES)(text, chance, texts)[: _MOST_CHARACTERS if number % _EVERY == 0 else _MOST_CHARACTERS // 10]
    return text


def _with_lines(change: Callable[[list[str], int, random.Random], None]) -> Callable[[str, random.Random, Sequence[str]], str]:
    def made(text: str, chance: random.Random, _: Sequence[str]) -> str:
        lines = text.split("\n")
        change(lines, chance.randrange(len(lines)), chance)
        return "\n".join(lines)

    return made


def _swap(lines: list[str], at: int, chance: random.Random) -> None:
    other = chance.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _repeat(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at:at] = [lines[at]] * chance.choice((1, 1, 20, 300))


def _delete(lines: list[str], at: int, chance: random.Random) -> None:
    del lines[at : at + chance.choice((1, 1, 3))]


def _prefix(lines: list[str], at: int, chance: random.Random) -> None:
    before = chance.choice(_PREFIXES) * chance.choice((1, 1, 2, 300))
    for number in range(at, min(len(lines), at + chance.choice((1, 5, 200)))):
        lines[number] = before + lines[number]


def _join(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at : at + 2] = [chance.choice(("", " ", "\t", "\\", ": ", " = ")).join(lines[at : at + 2])]


def _replace_number(text: str, chance: random.Random, _: Sequence[str]) -> str:
    found = _DIGITS.search(text, chance.randrange(len(text) + 1)) or _DIGITS.search(text)
    start, end = found.span() if found is not None else (len(text), len(text))
    return text[:start] + chance.choice(_NUMBERS) + text[end:]


def _insert(text: str, chance: random.Random, _: Sequence[str]) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(_ODD) * chance.choice((1, 1, 1, 5, 1000)) + text[at:]


def _stretch(text: str, chance: random.Random, _: Sequence[str]) -> str:
    """A few characters of it, a thousand times: what patterns that repeat trip over."""
    at = chance.randrange(len(text) + 1)
    part = text[at : at + chance.choice((1, 1, 2, 3, 12))]
    return text[:at] + part * chance.choice((10, 100, 1000, 20_000)) + text[at:]


def _cut(text: str, chance: random.Random, _: Sequence[str]) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] if chance.random() < 0.5 else text[at:]


def _splice(text: str, chance: random.Random, texts: Sequence[str]) -> str:
    other = chance.choice(texts)
    at, there = chance.randrange(len(text) + 1), chance.randrange(len(other) + 1)
    return text[:at] + other[there:] + text[at:] if chance.random() < 0.5 else text[:at] + other[there:]


def _nest(text: str, chance: random.Random, _: Sequence[str]) -> str:
    opened, closed = chance.choice((("[", "]"), ('{"a": ', "}"), ("(", ")"), ("{ ", " }"), ('"', '"'), ("`", "`"), ("<", ">")))
    depth, at = chance.choice((1, 3, 200, 5000)), chance.randrange(len(text) + 1)
    end = min(len(text), at + chance.randrange(200))
    return text[:at] + opened * depth + text[at:end] + closed * chance.choice((depth, depth, 0)) + text[end:]


def _other_case(text: str, chance: random.Random, _: Sequence[str]) -> str:
    return chance.choice((str.upper, str.lower, str.title, str.swapcase))(text)


def _other_value(text: str, chance: random.Random, _: Sequence[str]) -> str:
    """In JSON, one value in another's place; in other texts, one word in another's."""
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(text)
        places = list(itertools.islice(_places(document), 5000))
        if places:
            holder, key = chance.choice(places)
            holder[key] = chance.choice((None, True, -1, 10**30, 1e300, "", "\ud800", [], {}, [[]], "9" * 5000, holder))
        return json.dumps(document, indent=chance.choice((None, 2)), check_circular=True)
    words = text.split(" ")
    words[chance.randrange(len(words))] = chance.choice(words)
    return " ".join(words)


def _places(value: object) -> Iterator[tuple[Any, Any]]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        items = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
        for key, inner in items:
            yield each, key
            waiting.append(inner)


_CHANGES: tuple[Callable[[str, random.Random, Sequence[str]], str], ...] = (
    *(_with_lines(each) for each in (_swap, _repeat, _delete, _prefix, _prefix, _join)),
    _replace_number, _replace_number, _insert, _insert, _stretch, _cut, _splice, _splice, _nest, _other_case, _other_value,
)  # fmt: skip


def read(number: int, text: str, matrix: Matrix) -> None:
    """Give the text to the readers; some inputs to all of `explain`. Raises what they raise, but no `DoctorError`."""
    decoder, size = LineDecoder(), _SPLIT[number % len(_SPLIT)]
    data = text.encode("utf-16" if number % 50 == 1 else "utf-8", "surrogatepass" if number % 2 else "replace")
    chunks = (data[at : at + size] for at in range(0, len(data), size)) if len(data) < 500 else (data,)
    lines = [line for chunk in chunks for line in decoder.feed(chunk)] + decoder.end()
    name = _NAMES[number % len(_NAMES)]
    with contextlib.suppress(DoctorError):
        if number % _EVERY == 0:
            explain_lines(lines, matrix, name=name)
            return
        reading, _ = read_text(lines, name or "text", tuple(matrix.packages))
        environment_of(reading, tuple(matrix.packages))
    if name is not None:
        read_failures(cleaned(lines))


def failures(numbers: Iterator[int] | range, texts: Sequence[str], matrix: Matrix, seconds: float = SECONDS) -> Iterator[Failed]:
    """Those of the inputs that crash a reader, or take it more than `seconds` of CPU time."""

    def too_long(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"over {seconds} seconds of CPU time")

    before = signal.signal(signal.SIGVTALRM, too_long)
    try:
        for number in numbers:
            text = changed(number, texts)
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
            try:
                read(number, text, matrix)
            except Exception:  # whatever it is, it is what is looked for
                yield Failed(number, text, traceback.format_exc(limit=-6))
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the inputs; returns the exit code."""
    parser = argparse.ArgumentParser(description="Texts that nobody would write, through every reader and through `explain`.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input; with --inputs 1 only that one is run")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of CPU time for each input")
    parser.add_argument("--keep", type=Path, help="folder that the inputs that failed are written to")
    options = parser.parse_args(arguments)
    texts, matrix = seeds(), load_matrix()
    start, done, failed = time.monotonic(), 0, 0
    reported = start

    def counted() -> Iterator[int]:
        nonlocal done, reported
        for number in range(options.first, options.first + options.inputs):
            yield number
            done += 1
            if time.monotonic() - reported > 60:
                reported = time.monotonic()
                print(f"{done} inputs, {done / (reported - start):.0f} a second, {failed} failed", flush=True)

    for each in failures(counted(), texts, matrix, options.seconds):
        failed += 1
        print(f"--- input {each.number}: {each.text[:200]!r}\n{each.why}", flush=True)
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{each.number}.txt").write_text(each.text, "utf-8", errors="surrogatepass")
    print(f"{done} inputs of {len(texts)} texts, {done / (time.monotonic() - start):.0f} a second, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
