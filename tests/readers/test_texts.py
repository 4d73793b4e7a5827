"""What is passed over in lists changes nothing of what they state."""

from __future__ import annotations

import random
import re

import pytest

from doctor.errors import DoctorError
from doctor.facts.environment import Environment
from doctor.readers.environments import EnvironmentReader, environment_of
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


def _list(number: int) -> list[str]:
    chance = random.Random(number)
    rows = chance.sample(ROWS, chance.randint(2, 12))
    lines = [chance.choice(rows) for _ in range(chance.randint(1, 200))]
    if chance.random() < 0.3:
        lines += chance.choice(TEXTS).split("\n")[:40] + [chance.choice(rows) for _ in range(40)]
    return [re.sub("[0-9]", lambda digit: chance.choice((digit[0], digit[0], "1", "4")), line) for line in lines]


def _slowly(lines: list[str], name: str) -> Environment | str:
    reader = EnvironmentReader(name)
    try:
        for number, line in enumerate(lines, 1):
            reader.feed(number, line)
        return environment_of(reader.reading(), PACKAGES)
    except DoctorError as error:
        return str(error)


def _sieved(lines: list[str], name: str) -> Environment | str:
    try:
        return environment_of(read_text(lines, name, PACKAGES)[0], PACKAGES)
    except DoctorError as error:
        return str(error)


@pytest.mark.parametrize("name", ["a.txt", "requirements.txt", "environment.yml"])
def test_a_list_states_the_same_as_when_every_line_is_read(name: str) -> None:
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
