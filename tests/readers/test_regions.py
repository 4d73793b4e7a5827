"""Of a large log only the parts worth it are read, and the answer is the same as when every line is."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from doctor.explain.explanation import Explanation
from doctor.explain.text import TextReader, explain_lines, read_logs
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.readers.regions import HEAD_BYTES, Regions
from tests.reports.golden_explanations import TEXTS as EXPLAINED
from tools import fuzz

MATRIX = builtin_matrix()
BLOCK = 2048
TOLD = ("most recent call", "Error: ", "offload", "newly initialized", "transformers==", "torch 2", "transformers` version: 4")
TEXTS = [*EXPLAINED.values(), *(each for each in fuzz.seeds() if len(each) < BLOCK and any(told in each for told in TOLD))]
FORMS = (
    "2026-11-22 18:45:33,123 INFO {word}.py:12] step 12: loss 0.12 {word} lr 1e-05",
    "[rank1]: W1122 18:45:33.123000 7 torch/distributed/run.py:792] {word} is at 7",
    "{word}: 12% {word} 3/4",
    "GET /v1/{word}/{word}?q={word} 200 in 12 ms",
    "{word}",
)


def _chatter(chance: random.Random, count: int) -> Iterator[str]:
    """Lines no two of which are alike, and of which nothing comes."""
    forms = chance.sample(FORMS, chance.randint(1, len(FORMS)))
    for _ in range(count):
        word = "".join(chance.choices("cdhjkqvwxz", k=9))
        yield chance.choice(forms).format(word=word)


def _log(number: int, size: int) -> list[str]:
    chance = random.Random(number)
    lines = list(_chatter(chance, 200))
    for text in chance.sample(TEXTS, chance.randint(1, 3)):
        lines += text.split("\n")
        lines += _chatter(chance, size)
    return lines


def _by_regions(lines: Sequence[str], piece: int) -> Explanation:
    reader = TextReader(MATRIX)
    regions = Regions(reader, head=BLOCK, block=BLOCK)
    content = "\n".join(lines).encode()
    for start in range(0, len(content), piece):
        regions.feed(content[start : start + piece])
    regions.end()
    return reader.explanation()


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_the_answer_is_the_same_as_when_every_line_is_read(first: int) -> None:
    for number in range(first, first + 10):
        lines = _log(number, (30, 300)[number % 2])
        assert _by_regions(lines, (700, 5000, 10**6)[number % 3]) == explain_lines(lines, MATRIX), number


class Counting:
    """A reader that nothing comes of, but for the lines it is told to notice."""

    def __init__(self, noticing: str = "!") -> None:
        self.lines: list[tuple[int, str]] = []
        self.noticed = self.number = 0
        self.attentive = False
        self._noticing = noticing

    def read(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.number += 1
            self.lines.append((self.number, line))
            self.noticed += self._noticing in line

    def skip(self, count: int) -> None:
        self.number += count

    def passes_over(self, line: str) -> bool:
        return False


def _read(content: bytes, reader: Counting | None = None) -> Counting:
    reader = reader or Counting()
    regions = Regions(reader, head=BLOCK, block=BLOCK)
    for start in range(0, len(content), 5000):
        regions.feed(content[start : start + 5000])
    regions.end()
    return reader


def _lines(count: int, text: str = "{} is all right") -> list[str]:
    return [text.format(number) for number in range(count)]


def test_the_beginning_the_end_and_what_lies_round_a_failure_are_read_under_their_numbers() -> None:
    lines = [*_lines(10_000), "ValueError: x", *_lines(10_000)]
    read = _read("\n".join(lines).encode()).lines
    assert all(lines[number - 1] == line for number, line in read)
    numbers = [number for number, _ in read]
    assert (numbers[0], numbers[-1]) == (1, len(lines))
    assert set(range(9_950, 10_050)) < set(numbers)
    assert len(read) < len(lines) / 20


def test_a_text_shorter_than_the_beginning_is_read_whole() -> None:
    lines = _lines(HEAD_BYTES // 20)
    assert len(lines) * 16 < HEAD_BYTES
    reader = Counting()
    regions = Regions(reader)
    regions.feed("\n".join(lines).encode())
    regions.end()
    assert [line for _, line in reader.lines] == lines


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_whatever_the_encoding(encoding: str) -> None:
    lines = [*_lines(3_000), "ValueError: \u00e9", *_lines(3_000)]
    assert (3_001, "ValueError: \u00e9") in _read("\n".join(lines).encode(encoding)).lines


def test_a_word_that_stands_everywhere_says_nothing_and_a_traceback_is_read_nevertheless() -> None:
    lines = [*_lines(50_000, "{} errors so far, none of them offloaded"), "Traceback (most recent call last):", *_lines(5_000)]
    read = _read("\n".join(lines).encode()).lines
    assert (50_001, "Traceback (most recent call last):") in read
    assert len(read) < len(lines) / 10


def test_lines_of_which_something_comes_are_read_however_many_they_are() -> None:
    lines = _lines(30_000, "{}: ValueError!")
    assert len(_read("\n".join(lines).encode()).lines) == len(lines)


def test_several_files_are_one_text_and_no_line_of_one_goes_on_in_the_next() -> None:
    first, second = b"- `transformers` version: 4.46.3", b"NotImplementedError: Cannot copy out of meta tensor; no data!\n"
    explanation = read_logs([[first], [second[:20], second[20:]]], MATRIX).explanation()
    assert explanation.environment.packages["transformers"].version == "4.46.3"
    assert [each.failure.line for each in explanation.failures] == [2]


def test_a_line_without_end_takes_no_more_memory_than_a_report_may() -> None:
    reader = Counting()
    regions = Regions(reader)
    for _ in range(40):
        regions.feed(b"x" * 1_000_000)
    regions.feed(b"\nlast")
    regions.end()
    assert [len(line) < 10_000_000 for _, line in reader.lines] == [True, True]
    assert reader.lines[-1] == (2, "last")
