"""What a person sees first. After a change: python -m tests.reports.golden, and look at each."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from doctor.reports.terminal.layout import SCREEN_ROWS, Paragraph, Unbroken, print_screen, row
from tests.explain.test_sentences import FAILURES
from tests.reports.golden import FOLDER, golden_screens
from tests.reports.golden_explanations import explain_pages, explain_screens

CHECKS, EXPLANATIONS = golden_screens(), explain_screens()
SCREENS = {**CHECKS, **EXPLANATIONS}


def rows(screen: str, width: int) -> int:
    """Of a terminal: a line that is not wrapped takes several."""
    return sum(max(-(-len(line) // width), 1) for line in screen.rstrip("\n").split("\n"))


@pytest.mark.parametrize("name", sorted(SCREENS))
def test_the_first_screens_hold(name: str) -> None:
    assert SCREENS[name] == (FOLDER / name).read_text("utf-8")


@pytest.mark.parametrize("name", sorted(SCREENS))
def test_a_first_screen_is_one(name: str) -> None:
    """Between the command that was typed and the prompt after it."""
    width = int(name.rpartition("-")[2].removesuffix(".txt"))
    assert rows(SCREENS[name], width) <= (SCREEN_ROWS if width >= 80 else 24)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_check_says_without_colour_how_it_stands(name: str) -> None:
    assert any(line.startswith(("[ok]", "[!!]", "[??]")) for line in SCREENS[name].splitlines()[:3])


@pytest.mark.parametrize("name", sorted(EXPLANATIONS))
def test_an_explanation_says_without_colour_what_it_is(name: str) -> None:
    assert any(line.startswith(("Cause ", "Means ", "May be ", "Unknown ", "Not ours ")) for line in SCREENS[name].splitlines())


@pytest.mark.parametrize("before", ["", "accelerate==1.0.1\nIn 4 threads at once, and some layers were offloaded to cpu.\n"])
@pytest.mark.parametrize("text", FAILURES)
def test_every_explanation_fits_a_screen(text: str, before: str) -> None:
    for width, page in explain_pages(before + text).items():
        assert rows(page, width) <= 24, page


def test_of_a_text_that_only_gives_harmful_advice_that_is_said_first() -> None:
    page = explain_pages("遇到 meta 设备的错误时,把 `model.to(device)` 换成 `model.to_empty(device=device)` 即可。")[80]
    labels = [line.split()[0] for line in page.splitlines() if line[:1].isupper() and line[8:9] == " "]
    assert labels[:2] == ["Never", "Means"]
    assert "Line 1: the text calls to_empty()" in page


def test_what_does_not_fit_is_left_out_from_its_end() -> None:
    """What has to be shown is, however much it is; of the rest the most telling."""
    page = io.StringIO()
    console = Console(file=page, width=80)
    rows_given = [row(Text("first")), row(Text("of the two"), Text("one"), spare=2), row(Text("dropped\n" * 30), spare=1), row(Text("last"))]
    print_screen(rows_given, console)
    assert page.getvalue().split() == ["first", "last"]
    print_screen([row(Text(f"{number}"), spare=number) for number in range(40)], Console(file=page, width=80))
    assert page.getvalue().split()[2:] == [str(number) for number in range(SCREEN_ROWS)]


def test_an_address_is_never_broken_and_what_stands_round_it_is() -> None:
    """Pasted or clicked, it has to be whole."""
    path = Text("/srv/" + "x" * 40)
    lines = [line.plain for line in Unbroken(path, Text("Examined "), Text(" (CPython 3.11)")).lines(50)]
    assert lines == ["Examined ", path.plain, "  (CPython 3.11)"]
    assert [line.plain for line in Unbroken(path, Text("Examined ")).lines(30)] == [f"Examined {path.plain}"]
    assert [line.plain for line in Unbroken(path, Text("Examined ")).lines(80)] == [f"Examined {path.plain}"]


def test_the_style_of_a_label_ends_with_it() -> None:
    page = io.StringIO()
    console = Console(file=page, width=80, force_terminal=True, color_system="standard")
    print_screen([row(Paragraph("load it again", Text("Never    ", style="bold")))], console)
    print_screen([row(Unbroken(Text("pip"), Text("Next     ", style="bold"), Text(" now", style="dim")))], console)
    assert page.getvalue() == "\x1b[1mNever    \x1b[0mload it again\n\x1b[1mNext     \x1b[0mpip\x1b[2m now\x1b[0m\n"
