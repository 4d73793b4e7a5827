"""What the views share: headings, paragraphs that hang on a lead, lines that stay in one piece, and what fits a screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

SCREEN_ROWS = 22
"""Of a terminal's 24: the command that was typed stands above them, and the prompt after it below."""


def heading(console: Console, text: str) -> None:
    """An empty line and a heading."""
    console.print()
    console.print(Text(text, style="bold underline"))


class Paragraph:
    """Text behind a lead that stands once, the lines after the first as far in; nothing behind the last word."""

    def __init__(self, text: str, lead: str | Text = "  ", style: str = "", one_line: bool = False) -> None:
        self._text = Text(text, style=style)
        self._lead = lead if isinstance(lead, Text) else Text(lead, style=style)
        self._one_line = one_line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width - self._lead.cell_len, 20)
        if self._one_line:
            self._text.truncate(width, overflow="ellipsis")
        for number, line in enumerate(self._text.wrap(console, width, overflow="fold")):
            line.rstrip()
            yield Text.assemble(" " * self._lead.cell_len if number else self._lead, line)  # `+` would give the line the lead's style


@dataclass(frozen=True)
class Unbroken:
    """What stays in one piece however narrow the screen is, to be pasted or clicked; what stands before and after it goes on lines of its own."""

    text: Text
    lead: Text = field(default_factory=Text)
    tail: Text = field(default_factory=Text)

    def lines(self, width: int) -> Iterator[Text]:
        """As few lines as it takes; the text alone may be longer than one."""
        together, fits = self.lead.cell_len + self.text.cell_len, self.text.cell_len <= width
        if self.lead and fits and together > width:
            yield self.lead
            first = self.text
        else:
            first = Text.assemble(self.lead, self.text)
        if first.cell_len + self.tail.cell_len <= width:
            yield Text.assemble(first, self.tail)
            return
        yield first
        if self.tail:
            yield Text.assemble(" ", self.tail)


Part = Text | Paragraph | Unbroken


@dataclass(frozen=True)
class Row:
    """Parts of a screen that are shown together or not at all."""

    parts: tuple[Part, ...]
    spare: int = 0
    """0: always shown; else left out where the screen is full, those with the highest number first."""


def row(*parts: Part, spare: int = 0) -> Row:
    """A row of these parts."""
    return Row(parts, spare)


def print_rows(rows: Iterable[Row], console: Console) -> None:
    """All of them, however long that is."""
    for each in rows:
        for part in each.parts:
            if isinstance(part, Unbroken):
                for line in part.lines(console.width):
                    console.print(line, soft_wrap=True)
            else:
                console.print(part)


def print_screen(rows: Sequence[Row], console: Console) -> None:
    """Those that have to be shown, and as many of the others as fit a screen with them."""
    print_rows(_fitting(rows, console), console)


def _fitting(rows: Sequence[Row], console: Console) -> Iterator[Row]:
    left = SCREEN_ROWS - sum(_height(each, console) for each in rows if not each.spare)
    kept = set()
    for number, each in sorted(enumerate(rows), key=lambda numbered: numbered[1].spare):
        if each.spare:
            left -= _height(each, console)
            if left < 0:
                break
        kept.add(number)
    return (each for number, each in enumerate(rows) if number in kept)


def _height(row: Row, console: Console) -> int:
    """In lines of the terminal, which breaks those that are too long."""
    height = 0
    for part in row.parts:
        if isinstance(part, Unbroken):
            height += sum(max(-(-line.cell_len // console.width), 1) for line in part.lines(console.width))
        else:
            height += len(console.render_lines(part, pad=False))
    return height
