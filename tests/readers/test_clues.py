"""Patterns looked for in all of a text, each line once."""

from __future__ import annotations

from doctor.readers.clues import ClueReader


def test_what_stands_after_megabytes_of_other_lines_is_found() -> None:
    reader = ClueReader([r"\bmeta tensors?\b"])
    for number in range(2500):
        reader.feed(number + 1, f"{number} {chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)} " * 180)
    reader.feed(2501, "This is a Meta Tensor")
    for number in range(2500, 5000):
        reader.feed(number + 2, f"{number} {chr(65 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)} " * 180)
    assert reader.found() == {r"\bmeta tensors?\b": {None: 2501}}


def test_a_pattern_is_found_for_each_process_that_prints_it() -> None:
    reader = ClueReader([r"\boffload(?:ed|s)?\b", "never"])
    for number, process in enumerate(("0", "1", "0", "1"), 1):
        reader.feed(number, f"layer {number} is offloaded", process)
    assert reader.found() == {r"\boffload(?:ed|s)?\b": {"0": 1, "1": 1}}


def test_addresses_are_numbers_and_versions_are_not() -> None:
    reader = ClueReader([r"10\.0\.0\.7", r"transformers 5\."])
    for number, line in enumerate(("peer 10.0.0.1", "peer 10.0.0.7", "transformers 4.46.3", "transformers 5.0.0"), 1):
        reader.feed(number, line)
    assert reader.found() == {r"transformers 5\.": {None: 4}}
