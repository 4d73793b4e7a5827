"""The lists of names that loaders print: transformers 5's table, the warnings before it, and what torch, diffusers and vLLM say.

A model that is quietly wrong often says so nowhere else. What the names have in common tells a checkpoint of another layout from one that
lacks a shard, a head that is to be trained from a tie that was lost.
"""

from __future__ import annotations

import collections
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from doctor.facts.frozen import replace
from doctor.facts.loading import LoadReport, Shows

_MOST_NAMES, _MOST_REPORTS = 2000, 50
_MOST_CHARACTERS = 64 * 1024
"""Of one line."""
_MOST_LINES = 400
"""A list may go on over so many."""
_MOST_BETWEEN = 12
"""Lines between two lists of one load."""
_TITLE = re.compile(r"\b(?P<into>\w{1,120}) LOAD REPORT\b")
_HEADER = re.compile(r"^\|? {0,8}Key {0,400}\| {0,20}Status\b")
_ROW = re.compile(r"^\|? {0,8}(?P<name>[\w.{}*, /-]{1,400}?) {0,400}\| {0,20}(?P<status>MISSING|UNEXPECTED|MISMATCH|CONVERSION)\b")
_PROGRESS = re.compile(r"Loading weights: {0,8}(?:\d{1,3}%\|[^|]{0,200}\| {0,8}(?P<loaded>\d{1,7})/|(?P<none>0)it)")
_MODEL = r"(?:PyTorch |TF 2\.0 |Flax )?model checkpoint"
_LISTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"Some weights of (?P<into>[\w.]{{1,120}}) were not initialized from the {_MODEL} at .{{0,400}}? and are (?P<missing>newly initialized): ?",
        rf"Some weights of the {_MODEL}(?: at .{{0,400}}?)? were (?P<unexpected>not used) when initializing (?P<into>[\w.]{{1,120}}): ?",
        r"[Ff]ollowing weights were (?P<missing>not initialized) from checkpoint: ?",
        r"Cannot load .{0,300}? because the following keys are (?P<missing>missing): ?",
        r"(?:(?P<missing>Missing)|(?P<unexpected>Unexpected)) key\(s\) in state_dict: ?",
        r"\b(?:(?P<missing>[Mm]issing)|(?P<unexpected>[Uu]nexpected))[_ ]keys?['\"]?(?: are)? ?[=:] ?(?=[\[{(])",
    )
)
_MISMATCH = re.compile(r"^- (?P<name>[\w.]{1,300}): found shape \S{0,40}\(.{0,80}\) in the checkpoint\b")
_NAME = re.compile(r"['\"`](?P<quoted>[\w.{}*/-]{1,300})['\"`]|(?<![\w.])(?P<bare>[A-Za-z_]\w{0,80}(?:\.\w{1,80}){1,20})(?![\w(])")
_MAY_SAY = ("LOAD REPORT", "Loading weights", "initialized", "initializing", "keys", "key(s)", "Key ", "| M", "| U", "| C", "found shape")
_OPENING, _CLOSING = "[{(", "]})"

_WHOLE = frozenset({"model", "transformer", "base_model", "module", "layers", "encoder", "decoder", "blocks", "h", "#"})
_MOST_PARTS = 3
_NUMBER = re.compile(r"\{[\d, .]{1,200}\}|(?<=\.)\d{1,6}(?=\.|$)|\*")
_TIED = re.compile(r"(?:^|\.)(?:lm_head|embed_tokens|shared|word_embeddings|wte|embed_out|output_projection|proj_out|decoder)\.(?:weight|bias)$")
_HEAD = re.compile(r"(?:^|[._])(?:classifier|score|qa_outputs|pooler|cls|head|heads|logits_proj|summary|out_proj|fc|projector)(?:\.|$)|_head\.")
_BUFFER = re.compile(
    r"(?:inv_freq|position_ids|token_type_ids|masked_bias|attn\.bias|relative_position_index|num_batches_tracked|running_(?:mean|var))$"
)
_HARMLESS = re.compile(r"(?:^|\.)masked_spec_embed$|\.parametrizations\.weight\.original[01]$|\.weight_[gv]$")
"""What only training uses; and what torch calls otherwise in a newer release, which transformers renames and reports nevertheless."""
_SMALL: Mapping[Shows, re.Pattern[str]] = {"known-harmless": _HARMLESS, "only-ties": _TIED, "only-buffers": _BUFFER, "only-a-head": _HEAD}
_EMBEDDING = re.compile(r"embed|wte|\bshared\b")


@dataclass(slots=True)
class _Open:
    """A report that is being read."""

    line: int
    process: str | None
    into: str | None = None
    loaded: int | None = None
    names: dict[str, dict[str, None]] = field(default_factory=lambda: collections.defaultdict(dict))
    """By what is said of them."""
    last: int = 0
    """The last line that belonged to it."""

    def add(self, what: str, name: str) -> None:
        if len(self.names[what]) < _MOST_NAMES:
            self.names[what][name] = None


class LoadReportReader:
    """Reads a text a line at a time, in memory that does not grow with it."""

    def __init__(self) -> None:
        self._open: _Open | None = None
        self._found: dict[tuple[object, ...], LoadReport] = {}
        self._list: tuple[str, int] | None = None
        """What is said of the names in the list that goes on, and where it began."""
        self._loaded: tuple[int, int] | None = None
        """How many weights the last progress bar loaded, and its line."""

    def feed(self, number: int, line: str, process: str | None = None) -> bool:
        """Take the next line, without prefixes; `number` counts from 1, `process` is who printed it. Whether anything came of it."""
        if self._list is None and not any(each in line for each in _MAY_SAY):
            return False
        line = line[:_MOST_CHARACTERS]
        return self._table(number, line, process) or self._lists(number, line, process) or self._goes_on(number, line)

    def reports(self) -> tuple[LoadReport, ...]:
        """What was read, each once; call it when the text has ended."""
        self._close()
        return tuple(self._found.values())

    def _table(self, number: int, line: str, process: str | None) -> bool:
        if (progress := _PROGRESS.search(line)) is not None:
            self._loaded = int(progress["loaded"] or 0), number
            return True
        if (title := _TITLE.search(line)) is not None:
            self._begin(number, process, title["into"])
            return True
        if _HEADER.match(line):
            if self._open is None or self._open.names or number - self._open.last > 2:
                self._begin(number, process, None)
            return True
        if (row := _ROW.match(line)) is not None:
            self._continued(number, process).add(row["status"], row["name"].strip())
            return True
        return False

    def _lists(self, number: int, line: str, process: str | None) -> bool:
        found = sorted((match for pattern in _LISTS for match in pattern.finditer(line)), key=lambda match: match.start())
        for at, match in enumerate(found):
            parts = match.groupdict()
            what, into = "MISSING" if parts.get("missing") else "UNEXPECTED", parts.get("into")
            report = self._open
            if report is None or report.names[what] or number - report.last > _MOST_BETWEEN or (into and report.into not in (None, into)):
                self._begin(number, process, into)
            self._take(number, line[match.end() : found[at + 1].start() if at + 1 < len(found) else None], what, begins=True)
        if (mismatch := _MISMATCH.match(line)) is not None:
            self._continued(number, process).add("MISMATCH", mismatch["name"])
        return bool(found) or mismatch is not None

    def _goes_on(self, number: int, line: str) -> bool:
        """The next line of a list that did not end with its own."""
        if self._list is None:
            return False
        what, began = self._list
        if number - began > _MOST_LINES or not (_NAME.search(line) or line.strip()[:1] in _CLOSING):
            self._list = None
            return False
        self._take(number, line, what, begins=False)
        return True

    def _take(self, number: int, text: str, what: str, *, begins: bool) -> None:
        """Add the names of a list, or of a part of one."""
        opened = text.lstrip()[:1] in _OPENING and text.strip() != ""
        end = min((at for at in map(text.find, _CLOSING) if at >= 0), default=-1)
        report = self._continued(number, None)
        for name in _NAME.finditer(text, 0, end if end >= 0 else len(text)):
            report.add(what, name["quoted"] or name["bare"])
        goes_on = end < 0 and (not begins or opened or not text.strip())
        self._list = (what, number if begins or self._list is None else self._list[1]) if goes_on else None

    def _begin(self, number: int, process: str | None, into: str | None) -> None:
        self._close()
        loaded = self._loaded[0] if self._loaded is not None and number - self._loaded[1] <= _MOST_BETWEEN else None
        self._open = _Open(number, process, into, loaded, last=number)

    def _continued(self, number: int, process: str | None) -> _Open:
        if self._open is None or number - self._open.last > _MOST_BETWEEN:
            self._begin(number, process, None)
        assert self._open is not None
        self._open.last = number
        return self._open

    def _close(self) -> None:
        report, self._open, self._list = self._open, None, None
        if report is None or not any(report.names.values()):
            return
        missing, unexpected, mismatched, unconverted = (tuple(report.names[each]) for each in ("MISSING", "UNEXPECTED", "MISMATCH", "CONVERSION"))
        read = LoadReport(report.line, report.into, missing, unexpected, mismatched, unconverted, report.loaded, None, (), report.process)
        key = read.into, read.missing, read.unexpected, read.mismatched, read.unconverted
        if key not in self._found and len(self._found) < _MOST_REPORTS:
            missing, unexpected = _alike(read.missing), _alike(read.unexpected)
            read = replace(read, prefix=_one_prefix(missing, unexpected))
            self._found[key] = replace(read, shows=tuple(_shown(read, missing, unexpected)))


# What the names have in common


def _alike(names: Sequence[str]) -> tuple[str, ...]:
    """The names, those alike that differ in a layer's number."""
    return tuple(dict.fromkeys(_NUMBER.sub("#", name) for name in names))


def _shown(report: LoadReport, missing: Sequence[str], unexpected: Sequence[str]) -> Iterator[Shows]:
    """What the report shows; the names are those of `_alike`."""
    if report.unconverted:
        yield "conversion-failed"
    if report.prefix is not None:
        yield "one-prefix"
    elif missing and unexpected and not _small(missing):
        yield "other-names" if {_end(name) for name in missing} & {_end(name) for name in unexpected} else "nothing-in-common"
    if missing and (report.loaded == 0 or _everything(missing)):
        yield "nothing-taken"
    elif _small(missing):
        yield _small(missing)[0]
    elif missing and not unexpected and sum("#" in name for name in missing) >= max(3, 0.6 * len(missing)):
        yield "whole-layers"
    elif len(missing) > 2 and _module(missing):
        yield "part-missing"
    if unexpected and not missing:
        if all(_HEAD.search(name) or _TIED.search(name) for name in unexpected):
            yield "only-a-head-unused"
        elif len({name.partition(".")[0] for name in unexpected}) <= _MOST_PARTS:
            yield "part-unused"
    if report.mismatched:
        yield "shapes-differ"


def _small(missing: Sequence[str]) -> tuple[Shows, ...]:
    """What all the missing names are of, where a model can well do without."""
    return tuple(kind for kind, pattern in _SMALL.items() if missing and all(pattern.search(name) for name in missing))[:1]


def _module(names: Sequence[str]) -> str:
    """The one module that all the names are of; empty where they are of several, or of what a whole model is called."""
    first, last = min(names).split("."), max(names).split(".")
    common = [one for one, other in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))]
    return ".".join(common) if not _WHOLE.issuperset(common) else ""


def _everything(missing: Sequence[str]) -> bool:
    """Whether the names are of all that a model has: its embeddings, its layers, and what comes after them."""
    layers = [name for name in missing if "#" in name]
    others = [name for name in missing if "#" not in name]
    embedded = any(_EMBEDDING.search(name) for name in others)
    return len(layers) >= 4 and embedded and any(not _EMBEDDING.search(name) for name in others)


def _one_prefix(missing: Sequence[str], unexpected: Sequence[str]) -> str | None:
    """What must be put before the names of one side to get those of the other; None where that is not all that they differ in."""
    if not missing or not unexpected:
        return None
    for short, long in ((missing, unexpected), (unexpected, missing)):
        by_end: dict[str, list[str]] = {}
        for name in long:
            by_end.setdefault(_end(name), []).append(name)
        found = [
            each.removesuffix(name)
            for name in short
            if (each := next((each for each in by_end.get(_end(name), ()) if each.endswith(f".{name}")), None)) is not None
        ]
        if len(found) < max(1, 0.8 * min(len(short), len(long))):
            continue
        longest = max(found, key=len)
        if all(longest.startswith(each) for each in found):  # a model's own first name may have been left out on one side
            return min(found, key=len) if len(set(found)) > 1 else longest
    return None


def _end(name: str) -> str:
    return ".".join(name.rsplit(".", 2)[-2:])
