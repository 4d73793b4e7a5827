"""The line of the user's own code that a failure came through, and what to change at it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from doctor.facts.symptom import Frame
from doctor.knowledge.cause import Edit
from doctor.readers.public_names import LIBRARIES

_INSTALLED = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|lib(?:64)?/python\d[\d.]*|Lib|transformers_modules)/"
    r"|^<frozen |^<string>$|(?:^|/)bin/[^/.]+$"
)
_NAMES = "|".join(LIBRARIES)
_CHECKOUT = re.compile(rf"^(?:\.{{1,3}}/|…/)?(?:src/)?(?:{_NAMES})/|/(?:src|[Pp]ytorch|{_NAMES})/(?:{_NAMES})/")
"""A library in a checkout of its own, or with its path cut short."""
_BARE = frozenset({"auto_factory.py", "big_modeling.py", "modeling_utils.py", "partition_parameters.py", "SentenceTransformer.py"})
"""Files of libraries that nobody else has by that name, where a text has left all folders out."""
_MOST = 60
"""A call longer than this is shown without its arguments."""


def own_frame(frames: Sequence[Frame]) -> Frame | None:
    """The last frame that is no library's: where the user can change something."""
    return next((each for each in reversed(frames) if _is_own(each.file)), None)


def _is_own(file: str) -> bool:
    return bool(file) and file not in _BARE and _INSTALLED.search(file) is None and _CHECKOUT.search(file) is None


def library_frames(frames: Sequence[Frame], most: int) -> tuple[str, ...]:
    """The last frames that are of libraries, the innermost first, wherever they are installed: `torch/nn/modules/module.py:convert`."""
    of_libraries = [each for each in reversed(frames) if each.file and not _is_own(each.file)][:most]
    return tuple(f"{_within_library(each.file)}:{(each.function or '').rpartition('.')[2]}" for each in of_libraries)


def _within_library(file: str) -> str:
    """From the folder on that installers write to, or from the library's own name."""
    installed = re.split(r"/(?:site|dist)-packages/", file)
    if len(installed) > 1:
        return installed[-1]
    parts = file.split("/")
    named = next((number for number in range(len(parts) - 2, -1, -1) if parts[number] in LIBRARIES), len(parts) - 1)
    return "/".join(parts[named:])


def short_place(frame: Frame) -> str:
    """`serve.py:14`; a notebook has cells in place of files."""
    if is_notebook(frame):
        return f"line {frame.line} of the cell" if frame.line else "the cell"
    name = frame.file.rpartition("/")[2]
    return f"{name}:{frame.line}" if frame.line else name


def is_notebook(frame: Frame) -> bool:
    """Whether the frame is of a notebook's cell, or of what was typed at a prompt."""
    return frame.file.startswith("<") or "/ipykernel_" in frame.file


def edit_at(edits: Iterable[Edit], place: Frame | None) -> str | None:
    """The first of the edits that the place and its source line fill in, as an order; None when none is."""
    if place is None:
        return None
    for edit in edits:
        call = _call(edit.line, place.code or "") if edit.line is not None else ""
        if call is not None:
            said = edit.says.replace("{place}", short_place(place)).replace("{call}", call)
            return said[:1].upper() + said[1:]
    return None


def _call(pattern: str, code: str) -> str | None:
    """What the pattern finds in a source line, up to the end of the call that begins there."""
    found = re.search(pattern, code, re.IGNORECASE | re.ASCII)
    if found is None:
        return None
    head = found[0].strip()
    if not head.endswith("("):
        return head
    depth = 1
    for at in range(found.end(), len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            call = code[found.start() : at + 1].strip()
            return call if len(call) <= _MOST else f"{head}...)"
    return f"{head}...)"
