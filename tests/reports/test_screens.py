"""What a person sees first. After a change: python -m tests.reports.golden, and look at each."""

from __future__ import annotations

import pytest

from tests.reports.golden import FOLDER, golden_screens

SCREENS = golden_screens()


@pytest.mark.parametrize("name", sorted(SCREENS))
def test_the_first_screens_hold(name: str) -> None:
    assert SCREENS[name] == (FOLDER / name).read_text("utf-8")


@pytest.mark.parametrize("name", sorted(SCREENS))
def test_a_first_screen_is_one_and_says_without_colour_how_it_stands(name: str) -> None:
    lines = SCREENS[name].splitlines()
    assert len(lines) <= 24 or "wrong" in name  # two things wrong and a fact missing take a little more
    assert any(line.startswith(("[ok]", "[!!]", "[??]")) for line in lines[:3])
