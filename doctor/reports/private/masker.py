"""What a masker is, and how it is put to a text. Pure, and linear in the length of the text.

Every repetition has an upper bound or stands behind something that can begin at few places, so that no text makes a pattern slow.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from doctor.facts.frozen import Frozen

Accept = Callable[[re.Match[str], str], bool]
"""Whether what matched is private after all; the second argument is the part that would be masked."""

LABEL = re.compile(r"<[a-z]+(?:-[a-z]+)*(?:-\d+)?>")
"""What stands in place of a masked value: `<token>`, `<token-2>`."""
COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""With these a hostile text could steer a terminal or hide what it says; the last are what a path that is not UTF-8 leaves in a string."""
EQUALS = r"""[\\"'`\]]{0,6}[ \t]{0,40}(?:=>|->|:=|==|=|:|\N{FULLWIDTH COLON})[ \t]{0,40}[\\"'`(\[]{0,6}"""
"""Between a name and its value, in every notation: `x=1`, `x      : 1`, `{\\"x\\": \\"1\\"}`."""
WORD = r"[^\s\"'`,;&<>(){}\[\]|\\\ufffd]"
"""What a value without blanks is made of."""


class Masker(Frozen):
    """One way in which one kind of private value shows."""

    kind: str
    """What the label says: `token`."""
    needs: tuple[str, ...]
    """Without one of these, in lower case, the pattern cannot match: most texts are passed over for the price of looking for them. None are needed
    when it is empty."""
    pattern: str
    """Compiled when a text first holds what it needs. The last named group that matched is what is masked; without one, all of it."""
    accept: Accept | None = None
    everywhere: bool = False
    """Whether the value, once seen, is masked wherever else it stands, in a form that nothing would give away."""
    inner: str | None = None
    """What is masked inside of what the pattern matched, when that is a list of several."""


_compiled = functools.cache(re.compile)


def private_parts(masker: Masker, text: str) -> Iterator[tuple[int, int]]:
    """Beginning and end of what one masker finds in `text`."""
    for found in _compiled(masker.pattern).finditer(text):
        matches = (found,) if masker.inner is None else _compiled(masker.inner).finditer(text, *found.span(found.lastgroup or 0))
        for match in matches:
            start, end = match.span(match.lastgroup or 0)
            value = text[start:end]
            if value and not LABEL.fullmatch(value) and (masker.accept is None or masker.accept(match, value)):
                yield start, end


def unescaped(text: str) -> str:
    r"""The text with blanks for what a string literal puts between its words, `\n` and the like: each character keeps its place."""
    return _RUN.sub(_run_unescaped, text) if "\\" in text else text


def _run_unescaped(match: re.Match[str]) -> str:
    """What stands between blanks or quotes. In a Windows path a backslash parts two names: only what is escaped less is a break."""
    run, separator = match[0], match["drive"] or match["server"]
    if match["account"]:
        return run
    if separator:
        levels = range(1, len(separator))
    else:
        level = min(map(len, _BACKSLASHES.findall(run)), default=0)
        levels = range(level, level + 1)
    return _ESCAPED.sub(lambda escape: " " * (len(escape[0]) - 1) + "\n" if len(escape[1]) in levels else escape[0], run)


_RUN = re.compile(
    r"(?:(?:(?<![A-Za-z])|(?<=\\[nrt]))[A-Za-z]:(?P<drive>\\{1,8})(?=\w)"
    r"|(?<![^\s\"'=(\[,:>])(?P<server>\\{1,8})(?P=server)(?=[\w.$-]{1,80}(?P=server)[\w$]))[^\"'<>|*?\n]{0,400}"
    r"|(?i:\b(?:user|account|as|login|owner))\W{1,6}(?P<account>[A-Z][A-Z0-9-]{1,15}\\{1,4}[A-Za-z][\w.-]{1,40})"
    r"|(?:(?![A-Za-z]:\\)[^\s\"'=])+"
)
_BACKSLASHES = re.compile(r"\\{1,16}(?!\\|\Z)")
_ESCAPED = re.compile(r"(?<!\\)(\\{1,8})(?:[nrt]|(?:u001b|x1b|033)\[[0-9;]{0,20}m)")
