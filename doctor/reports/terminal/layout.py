"""What the views share: headings, and paragraphs that hang on a lead."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text


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
            yield (Text(" " * self._lead.cell_len) if number else self._lead) + line
