"""What is passed over in lists changes nothing of what they state."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from doctor.errors import DoctorError
from doctor.facts.environment import Environment
from doctor.readers import texts
from doctor.readers.environments import EnvironmentReader, environment_of
from doctor.readers.lines import cleaned
from doctor.readers.texts import read_text
from tools import fuzz

PACKAGES = ("torch", "transformers", "accelerate", "safetensors", "numpy")
TEXTS = fuzz.seeds()
ROWS = (
    "torch==2.5.1", "torch==2.4.1", "numpy   1.26.4", "pkg-12==1.0", "pkg-13   1.0.3", "- peft==0.13.2", "# a comment 12", "", "Package Version",
    "------- -------", "dependencies:", "  - torch=2.5.1=py311", "  - pip:", "    - transformers==4.46.3", "tokenizers==0.20.1", "sympy==1.13.1",
    "typing_extensions==4.12.2", "huggingface-hub==0.26.2", "[pip3] torch==2.5.1", "some words of 12 or 13", "safetensors   0.4.5", "python=3.11",
    "[[package]]", 'name = "torch"', 'version = "2.5.1"', '    { url = "https://x/torch-2.5.1.whl", size = 12 },',
)  # fmt: skip
KINDS: tuple[tuple[str, ...], ...] = (
    ("torch   2.5.1", "numpy 1.26.4", "typing_extensions  4.12.2", "PyYAML   6.0.2", "triton 3.1.0 pypi_0 pypi", "python 3.11.4 h_cp", "Py 1 /a"),
    ("torch==2.5.1", "Torch==2.4.1", "numpy>=1.26", "RANK==0", "filelock==3.16.1", "pytorch==2.5.0", "sympy==1.13.1", "a.b_c==1.0", "PyYAML==6.0.2"),
    ("  - torch=2.5.1=py311", "  - pip:", "    - transformers==4.46.3", "- numpy=1.26.4", "  - pytorch=2.4.0", "  - python=3.11", "    - c=1", "- z"),
    (
        '[[package]]\nname = "torch"\nversion = "2.5.1"\ndependencies = [\n    { name = "numpy" },\n]\n', "  # x", "    {", "",
        '[[package]]\nname = "a-b"\nversion = "1.0"', '[[package]]\nname = "numpy"\n\n', '[package.metadata]\n    \rname = "c"',
    ),
    (
        '[[package]]\nname = "torch"\nversion = "2.5.1"\ndependencies = [\n    { name = "numpy" },\n]\n', 'wheels = [\n    "x",\n]', "Error: x",
        '[[package]]\nname = "a-b"\nversion = "1.0"', '[package.metadata]\nname = "c"', '[manifest]', '    { url = "https://x/a-2.whl", size = 1 },',
        '    { name = "import torch 2.6.0 line 1" },', '    { url = "/lib/python3.9/site-packages/torch-2.4.0.dist-info" },', "version = 12",
    ),
)  # fmt: skip
"""Rows that are taken many at once, with some that are not."""
HEADS = (
    "Name Version Build Channel",
    "torch==2.5.1",
    "dependencies:",
    "",
    "[[package]]",
    "Package Version",
    "Package Version Editable project location",
)


def _list(number: int) -> list[str]:
    chance = random.Random(number)
    if number % 2:
        kind = chance.choice(KINDS)
        rows = [*chance.sample(kind, chance.randint(2, len(kind))), *chance.choices(ROWS, k=number % 3)]
        lines = [chance.choice((HEADS[KINDS.index(kind)], chance.choice(HEADS))), *(chance.choice(rows) for _ in range(chance.randint(1, 200)))]
        if chance.random() < 0.3:
            lines[50:50] = chance.choice(TEXTS).split("\n")[:40]
        return [re.sub("[0-9]$", lambda digit: chance.choice((digit[0], digit[0], "1", "4")), line) for line in "\n".join(lines).split("\n")]
    rows = chance.sample(ROWS, chance.randint(2, 12))
    lines = [chance.choice(rows) for _ in range(chance.randint(1, 200))]
    if chance.random() < 0.3:
        lines += chance.choice(TEXTS).split("\n")[:40] + [chance.choice(rows) for _ in range(40)]
    return [re.sub("[0-9]", lambda digit: chance.choice((digit[0], digit[0], "1", "4")), line) for line in lines]


def _slowly(lines: list[str], name: str) -> Environment | str:
    reader = EnvironmentReader(name)
    try:
        for number, line in enumerate(cleaned(lines), 1):
            reader.feed(number, line)
        return environment_of(reader.reading(), PACKAGES)
    except DoctorError as error:
        return str(error)


def _sieved(lines: list[str], name: str) -> Environment | str:
    try:
        return environment_of(read_text(lines, name, PACKAGES)[0], PACKAGES)
    except DoctorError as error:
        return str(error)


@pytest.mark.parametrize("characters", [40, 400, 1 << 14])
@pytest.mark.parametrize("name", ["a.txt", "requirements.txt", "environment.yml", "uv.lock"])
def test_a_list_states_the_same_as_when_every_line_is_read(name: str, characters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_BLOCK_CHARACTERS", characters)
    for number in range(80):
        lines = _list(number)
        assert _sieved(lines, name) == _slowly(lines, name), number


def test_a_package_behind_thousands_of_others_is_read() -> None:
    lines = [f"package-{number}==1.{number}.0" for number in range(7000)] + ["torch==2.5.1"]
    reading, _ = read_text(lines, "requirements.txt", PACKAGES)
    assert environment_of(reading, PACKAGES).packages["torch"].version == "2.5.1"


def test_a_list_that_repeats_itself_is_hardly_read(monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    feed = EnvironmentReader.feed

    def counted(self: EnvironmentReader, number: int, line: str) -> bool:
        fed.append(number)
        return feed(self, number, line)

    monkeypatch.setattr(EnvironmentReader, "feed", counted)
    read_text(["torch==2.5.1", "numpy==1.26.4", "", *(f"a{number}==1.{number}" for number in range(30))] * 500, "requirements.txt", PACKAGES)
    assert len(fed) < 2000


@pytest.mark.parametrize(
    ("name", "head", "row"),
    [
        ("a.txt", "Package Version", "{}   1.0"),
        ("requirements.txt", "torch==2.5.1", "{}==1.0"),
        ("environment.yml", "dependencies:", "  - {}=1.0=py_0"),
    ],
)
def test_rows_of_packages_that_nobody_asked_for_are_taken_many_at_once(name: str, head: str, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[str] = []
    feed = EnvironmentReader.feed

    def counted(self: EnvironmentReader, number: int, line: str) -> bool:
        fed.append(line)
        return feed(self, number, line)

    monkeypatch.setattr(EnvironmentReader, "feed", counted)
    words = ("".join(letters) for letters in itertools.product("abcdefgh", repeat=5))
    reading, _ = read_text([head, *map(row.format, words), row.format("torch")], name, PACKAGES)
    assert reading.packages["torch"].statement.line in (1, 8**5 + 2)
    assert len(fed) < 3000


def test_what_is_taken_at_once_belongs_to_the_list_it_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [f"{first}{second}==1.0" for first in "abcdefgh" for second in "abcdefgh"]
    pins = ["torch==2.5.1", *others, "typing_extensions==4.12.2", *others, "sympy==1.13.1", *others, "numpy==1.26.4", "torch==2.5.1"]
    words = ["some words of 12"]
    for characters in (1, 40, 400):
        monkeypatch.setattr(texts, "_BLOCK_CHARACTERS", characters)
        reading, _ = read_text([*words, *pins, *words, *others, "peft==0.13.2"], "a.txt", PACKAGES)
        assert [(each.line, each.complete) for each in reading.sources] == [(2, True)]
        reading, _ = read_text([*words, pins[0], *words, pins[0], *words * 4, *others, *pins], "a.txt", PACKAGES)
        assert [(each.line, each.complete) for each in reading.sources] == [(2, False), (9, True)]
