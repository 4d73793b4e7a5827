"""Passing over what is dull changes no answer: the same text, every line read, and read through the sieve."""

from __future__ import annotations

import random
import re

import pytest

from doctor.explain.explanation import Explanation
from doctor.explain.text import TextReader
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.readers.sieve import Sieve, in_blocks
from tools import fuzz

MATRIX = builtin_matrix()
TEXTS = fuzz.seeds()
CHATTER = (
    "2026-11-22 18:45:33,123 INFO trainer.py:12] step 12: loss 0.12 lr 1e-05",
    "[rank1]: W1122 18:45:33.123000 7 torch/distributed/run.py:792] thread 3 of 8 is waiting for offload",
    "7: epoch 3, device_map of layer 12 is on cuda:1",
    "[12] worker 3 has transformers 4.46.3",
    "(Worker pid=22) loading shard 3 of 12",
    "step  0.123",
    "peer 10.0.0.7 joined",
    "node-3: [rank12]: the weights are tied",
    "",
    "def forward3(self):",
    "Loading checkpoint shards: 12%|\r 50%|",
    "&#65;&#66; 12",
    "\x1b[31m12 of 13 failed\x1b[0m",
)


def _log(number: int) -> list[str]:
    """Lines that come again with other numbers, and between them texts of every format."""
    chance = random.Random(number)
    chatter = chance.sample(CHATTER, chance.randint(1, 5))
    lines: list[str] = []
    for _ in range(chance.randint(1, 6)):
        part = fuzz.changed(chance.randrange(10**6), TEXTS) if chance.random() < 0.3 else chance.choice(TEXTS)
        lines += part.split("\n")[:60]
        lines += [chance.choice(chatter) for _ in range(chance.randint(0, 60))]
    repeated = [line for line in lines for _ in range(chance.choice((1, 1, 1, 2, 4)))] if chance.random() < 0.5 else lines
    return [re.sub("[0-9]", lambda digit: chance.choice((digit[0], "1", "4")), line[:4000]) for line in repeated]


def _slowly(lines: list[str]) -> Explanation:
    reader = TextReader(MATRIX)
    for line in lines:
        reader.feed(line)
    return reader.explanation()


def _sieved(lines: list[str], characters: int) -> Explanation:
    reader = TextReader(MATRIX)
    for block in in_blocks(lines, characters):
        reader.read(block)
    return reader.explanation()


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_the_answer_is_the_same_as_when_every_line_is_read(first: int) -> None:
    for number in range(first, first + 10):
        lines = _log(number)
        assert _sieved(lines, (100, 3000, 10**6)[number % 3]) == _slowly(lines), number


def test_of_a_log_that_repeats_itself_little_is_read() -> None:
    log = [line.replace("12", str(number)) for number in range(100, 3000) for line in CHATTER[:3]]
    reader, sieve, read = TextReader(MATRIX), Sieve(), 0
    taken = reader._take

    def take(line: str) -> object:
        nonlocal read
        read += 1
        return taken(line)

    reader._take = take  # type: ignore[method-assign, assignment]
    reader.read(log)
    assert read < len(log) / 100
    assert [number for number, _ in sieve.left(["a 1", "a 2"])] == [1, 2]
