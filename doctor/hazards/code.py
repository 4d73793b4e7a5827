"""Python code out of files, notebooks and texts, as syntax trees that know where they stand. Survives what cannot be parsed."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from doctor.facts.program import Ignored, Place, Sureness, Unread
from doctor.facts.sizes import size

MOST_BYTES = 16 * 1024 * 1024
"""Of one file; a longer one is not read."""
_MOST_PARSED = 2 * 1024 * 1024
"""Characters of one piece of code; its syntax tree takes some four hundred times as much memory. What is longer was written by a program."""
_MOST_REPAIRS = 30
"""So many lines of one piece of code are left out before the whole of it is given up."""
_SOURCE_CHARACTERS = 200
_FENCE = re.compile(r"^[ \t]{0,12}(`{3,}|~{3,})[ \t]{0,4}([A-Za-z0-9_+.-]{0,20})")
_FENCED = {"", "py", "python", "python3", "ipython", "py3", "pycon"}
_PROMPT = re.compile(r"^(?:>>>|\.\.\.|In \[\d{1,5}\]:) ?")
_IGNORE = re.compile(r"#[ \t]{0,8}doctor:[ \t]{0,8}ignore(?:\[([A-Za-z0-9, ]{0,200})\])?")
_IMPORT = re.compile(r"^(?:from [\w.]{1,80} import |import [\w.]{1,80}(?:$| as |,))")
_LIKE_CODE = re.compile(
    r"^(?:$|[ \t]{2,}\S|#|@|[)\]}]|(?:from|import|def|class|async|with|for|while|if|elif|else|try|except|finally|return|raise|pass|print)\b"
    r"|[\w.\[\]\"', ]{1,120}(?:=|\+=)[^=]|[\w.]{1,120}\()"
)
"""A line that goes on a block of code which no fence marks."""
_MAGIC = re.compile(r"^([ \t]{0,40})(?:%%?[A-Za-z_]|!(?!=)|\?|[\w.]{1,80}\?{1,2}[ \t]{0,8}$)")
_ASSIGNED_MAGIC = re.compile(r"^([ \t]{0,40}[\w., \t]{1,80}=[ \t]{0,8})(?:!|%[A-Za-z_])")
_OTHER_CELLS = ("%%bash", "%%sh", "%%html", "%%javascript", "%%js", "%%writefile", "%%latex", "%%markdown", "%%script", "%%perl", "%%ruby")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of code with one set of line numbers: a file, a cell, a fenced block."""

    file: str
    lines: tuple[str, ...]
    tree: ast.Module
    offset: int = 0
    """Lines of the file that stand before it."""

    def place(self, node: ast.AST, sure: Sureness = "certain") -> Place:
        """Where a node stands."""
        line = getattr(node, "lineno", 1)
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        column = len(text.encode()[: getattr(node, "col_offset", 0)].decode("utf-8", "ignore")) + 1
        source = text.strip()[:_SOURCE_CHARACTERS]
        offset = max(column - 1 - (len(text) - len(text.lstrip())), 0)
        return Place(self.file, line + self.offset, column, source, sure, min(offset, len(source)))


@dataclass(slots=True)
class Code:
    """What one file holds, in order, with one set of names."""

    pieces: list[Piece] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many lines of code there are."""
        return sum(len(each.lines) for each in self.pieces)


def python_code(content: bytes, file: str) -> Code:
    """The code of a Python file."""
    code = Code()
    if b"\0" in content:
        code.unread.append(Unread(file, 0, "not a text: it holds NUL bytes"))
        return code
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        text = content.decode("utf-8", "replace")
    _add(code, file, text.replace("\f", " "))
    return code


def notebook_code(content: bytes, file: str) -> Code:
    """The code cells of a notebook (nbformat 3 and 4)."""
    code = Code()
    try:
        notebook = json.loads(content)
        cells = notebook.get("cells")
        if cells is None:
            cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
        kept = [(number, cell) for number, cell in enumerate(cells, 1) if cell["cell_type"] == "code"]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        code.unread.append(Unread(file, 0, "not a notebook: its JSON is broken, or holds no cells"))
        return code
    for number, cell in kept:
        source = cell.get("source", cell.get("input", ""))
        text = "".join(map(str, source)) if isinstance(source, list) else str(source)
        if not text.lstrip().startswith(_OTHER_CELLS):
            _add(code, f"{file}[{number}]", without_magics(text))
    return code


def fenced_code(lines: Iterable[str], file: str) -> Code:
    """The Python in a text: fenced blocks, what stands behind `>>>`, and what begins with an import and goes on like code."""
    code = Code()
    for first, block in _blocks(lines):
        _add(code, file, without_magics("\n".join(_PROMPT.sub("", line) for line in block)), offset=first - 1)
    return code


def _blocks(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Each block with the number of its first line."""
    fence, wanted, first = "", False, 0
    block: list[str] = []
    for number, line in enumerate(lines, 1):
        match = _FENCE.match(line)
        if match is not None and (not fence or match[1].startswith(fence)):
            if block and (wanted or not fence):  # without a fence: prompts that stood before it
                yield first, block
            wanted = not fence and match[2].lower() in _FENCED
            fence, block, first = ("" if fence else match[1]), [], number + 1
        elif fence and wanted:
            block.append(line)
        elif not fence and (_PROMPT.match(line) or (_LIKE_CODE if block else _IMPORT).match(line)):
            if not block:
                first = number
            block.append(line)
        elif not fence and block:
            yield first, block
            block = []
    if block and (wanted or not fence):
        yield first, block


def without_magics(text: str) -> str:
    """A cell's text with its magics and shell lines emptied, so that line numbers stay."""
    kept: list[str] = []
    continued = False
    for line in text.split("\n"):
        match, assigned = _MAGIC.match(line), _ASSIGNED_MAGIC.match(line)
        if continued:
            kept.append("")
        elif match is not None:
            kept.append(f"{match[1]}pass")
        else:
            kept.append(f"{assigned[1]}None" if assigned is not None else line)
        continued = (continued or match is not None or assigned is not None) and line.rstrip().endswith("\\")
    return "\n".join(kept)


def _add(code: Code, file: str, text: str, offset: int = 0) -> None:
    """Parse a text; a line that is no Python is left out and said."""
    if len(text) > _MOST_PARSED:
        code.unread.append(Unread(file, 0, f"more than {size(_MOST_PARSED)} of code: not read"))
        return
    lines = text.split("\n")
    if "doctor:" in text:
        code.ignored += _ignored(lines, file, offset)
    for _ in range(_MOST_REPAIRS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse("\n".join(lines))
        except SyntaxError as error:
            line = min(max(error.lineno or 1, 1), len(lines))
            if not lines[line - 1].strip() or lines[line - 1].strip() == "pass":
                line = max((number for number in range(1, line) if lines[number - 1].strip() not in ("", "pass")), default=0)
            code.unread.append(Unread(file, line + offset, f"not Python: {error.msg}"))
            if not line:
                return
            indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
            lines[line - 1] = f"{indent}pass"
        except (ValueError, RecursionError, MemoryError):
            code.unread.append(Unread(file, 0, "nested too deeply to be read"))
            return
        else:
            code.pieces.append(Piece(file, tuple(lines), tree, offset))
            return
    code.unread.append(Unread(file, 0, "too much of it is not Python"))


def _ignored(lines: list[str], file: str, offset: int) -> Iterator[Ignored]:
    """The lines on which findings are not to be told: that of the comment, and the next where it stands alone."""
    for number, line in enumerate(lines, 1 + offset):
        match = _IGNORE.search(line)
        if match is not None:
            ids = tuple(each.strip().upper() for each in (match[1] or "").split(",") if each.strip())
            yield Ignored(file, number + 1 if line.lstrip().startswith("#") else number, ids)
