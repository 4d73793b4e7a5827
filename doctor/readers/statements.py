"""What a text states, as the readers of its formats put it down, and which of several statements about one fact counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from packaging.version import InvalidVersion

from doctor.facts.environment import AcceleratorKind, Origin
from doctor.facts.frozen import Frozen
from doctor.knowledge.matrix import normalised_name, parse_version

VERSION = (
    r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,4}(?:[-_.]?(?:alpha|beta|preview|pre|post|rev|rc|dev|a|b|c|r)[-_.]?[0-9]{0,12}){0,3}"
    r"(?:\+[A-Za-z0-9]{1,40}(?:\.[A-Za-z0-9]{1,40}){0,4})?"
)
"""A version as PEP 440 writes it, with at least one dot: a bare number in prose is hardly ever one."""
NOT_LONGER = r"(?![\w+*]|\.[\w*]|[-\u2013](?:py|cp|\d))"
"""Behind a version: `4.51.x`, `2.1+`, `4.46-4.48` and `torch-2.1-cp310` are none."""
FROM_PATH, IN_PROSE, LISTED = range(3)
"""How much a statement weighs against another: what a tool printed counts for more than what a person wrote."""
_BEGINS_WITH_VERSION = re.compile(rf"v?({VERSION})")
_NUMBERS_ALIKE = str.maketrans("123456789", "000000000")
_MAX_NAMES = 5000
_MAX_STATEMENTS = 8
_CONDA_NAMES = {"pytorch": "torch"}
_NEEDS = {
    "torch": ("typing-extensions", "sympy"),
    "transformers": ("tokenizers", "huggingface-hub"),
    "accelerate": ("psutil", "pyyaml"),
    "diffusers": ("huggingface-hub", "pillow"),
}
"""What a package cannot be installed without, and few would paste when they pick lines from a list."""


class Source:
    """A stretch of text in one format."""

    __slots__ = ("authority", "forked", "format", "line", "manager", "names", "whole")

    def __init__(
        self, format: str, line: int, authority: int = LISTED, *, whole: bool = False, forked: bool = False, manager: str | None = None
    ) -> None:
        self.format = format
        """For people: "`transformers env` block", "pip list". Empty for single lines of prose."""
        self.line = line
        """Where it begins, from 1."""
        self.authority = authority
        self.names: set[str] = set()
        """The packages it names."""
        self.whole = whole
        """True for a lock file, which names everything that is installed."""
        self.forked = forked
        """True when it may hold several versions of one package, for different platforms or extras."""
        self.manager = manager
        """What keeps this kind of file, where the format says: `uv-project`, `poetry`, `pdm`, `uv`."""

    @property
    def complete(self) -> bool:
        """Whether it names everything that is installed: a list does when it has what the packages in it cannot do without."""
        stack = [name for name in _NEEDS if name in self.names]
        return self.whole or (bool(stack) and all(need in self.names for name in stack for need in _NEEDS[name]))

    def at(self, line: int) -> str:
        """A line of it, for people."""
        return f"{self.format}, line {line}" if self.format else f"line {line}"


class Statement(Frozen):
    """One thing a text says about one fact."""

    value: str | None
    """None when a package is only named."""
    source: Source
    line: int
    absent: bool = False
    """It says that the package is not installed."""
    note: str | None = None
    """Why there is no value: "allows >=4.40"."""
    origin: Origin = "index"
    revision: str | None = None
    installer: str | None = None

    @property
    def where(self) -> str:
        """Where it was read, for people."""
        return self.source.at(self.line)

    @property
    def said(self) -> str:
        """What it says, for people."""
        return "not installed" if self.absent else self.value or self.note or "no version"


class Device(Frozen):
    """A GPU that a text names."""

    kind: AcceleratorKind
    name: str
    by_torch: bool
    memory: int | None
    """Bytes."""
    source: Source
    line: int


class Ledger:
    """Where readers put down what they read. Bounded: a text may say the same a million times."""

    def __init__(self, packages: Collection[str] | None = None) -> None:
        """`packages` are those whose versions are wanted; None: those of all."""
        also = ("python", *_CONDA_NAMES, *_NEEDS, *chain(*_NEEDS.values()))
        self._wanted = frozenset(map(_numbers_alike, (*packages, *also))) if packages is not None else None
        self.packages: dict[str, list[Statement]] = {}
        """By name as PEP 503 normalises it."""
        self.facts: dict[str, list[Statement]] = {}
        """By dotted name."""
        self.devices: list[Device] = []
        self.sources: list[Source] = []
        """Those that stated anything."""
        self.news = self.changes = 0
        """How often something was put down that counts, or would with other numbers in it; and how often that changed anything."""

    def package(self, name: str, version: str | None, source: Source, line: int, **more: object) -> None:
        """Put down that a package is installed, in a version or (with `note`) not in a known one; `absent=True`: that it is not."""
        key = canonical(name)
        kind, full = _numbers_alike(key), len(source.names) >= _MAX_NAMES
        new, wanted = not full and key not in source.names, self._wanted is None or kind in self._wanted
        room = wanted and len(self.packages.get(key, ())) < _MAX_STATEMENTS
        self.news += new or room or (kind != key and (wanted or not full))
        if new:
            self.changes += 1
            source.names.add(key)
        if wanted:
            self._add(self.packages, key, Statement(version, source, line, **more))  # type: ignore[arg-type]
        elif new:
            self._used(source)

    def count(self, names: Sequence[str], source: Source) -> Sequence[int] | None:
        """Put down at once that `source` names packages, but those whose versions are wanted: which these are, from 0, is returned.

        None, and nothing is put down, when there are so many that it matters which come first. An empty name is none.
        """
        keys = normalised_name("\n".join(names)).split("\n")
        kinds = _numbers_alike("\n".join(keys)).split("\n")
        wanted = [at for at, kind in enumerate(kinds) if self._wanted is None or kind in self._wanted]
        if len(source.names) < _MAX_NAMES:
            new = set(filter(None, keys)).difference(source.names, [keys[at] for at in wanted])
            if len(source.names) + len(new) + len(wanted) > _MAX_NAMES:
                return None
            if new:
                source.names |= new
                self._used(source)
        return wanted

    def fact(self, fact: str, value: str, source: Source, line: int) -> None:
        """Put down any other fact."""
        self.news += 1
        self._add(self.facts, fact, Statement(value[:200], source, line))

    def device(self, device: Device) -> None:
        """Put down a GPU."""
        self.news += 1
        self.changes += 1
        if len(self.devices) < 64:
            self.devices.append(device)
            self._used(device.source)

    def _add(self, kept: dict[str, list[Statement]], key: str, statement: Statement) -> None:
        statements = kept.get(key)
        if statements is None:
            if len(kept) >= _MAX_NAMES:
                return
            statements = kept[key] = []
        same = any(each.said == statement.said and each.source.authority >= statement.source.authority for each in statements)
        if not same and len(statements) < _MAX_STATEMENTS:
            statements.append(statement)
            self.changes += 1
        self._used(statement.source)

    def _used(self, source: Source) -> None:
        if source not in self.sources[-1:] and len(self.sources) < _MAX_NAMES and source not in self.sources[-20:]:
            self.sources.append(source)
            self.changes += 1


class Settled(Frozen):
    """The statement about one fact that counts, and those that contradict it."""

    statement: Statement
    against: tuple[Statement, ...] = ()


def _numbers_alike(name: str) -> str:
    return name.translate(_NUMBERS_ALIKE)


def canonical(name: str) -> str:
    """The distribution's name, normalised; conda calls torch `pytorch`."""
    normalised = normalised_name(name)
    return _CONDA_NAMES.get(normalised, normalised)


def settle(statements: Mapping[str, Sequence[Statement]]) -> dict[str, Settled]:
    """For each fact the statement that counts."""
    return {fact: _settled(each) for fact, each in statements.items() if each}


def _settled(statements: Sequence[Statement]) -> Settled:
    """The weightiest, of equals the first; a version that says more of the same (`2.1.0+cu118` for `2.1`) in its stead."""
    firm = [each for each in statements if each.value is not None or each.absent]
    if not firm:
        return Settled(min(statements, key=lambda each: -each.source.authority))
    weightiest = max(firm, key=lambda each: each.source.authority)
    if weightiest.source.forked:
        return _of_forks([each for each in firm if each.source is weightiest.source])
    against = tuple(each for each in firm if not _agree(each, weightiest))
    fullest = max((each for each in firm if _agree(each, weightiest)), key=lambda each: len(each.value or ""))
    return Settled(fullest, against)


def _of_forks(statements: Sequence[Statement]) -> Settled:
    """Of the entries that a lock file has for one package: which of them is installed depends on the platform and the extras asked for."""
    first = statements[0]
    if len({each.value for each in statements}) == 1:
        return Settled(first)
    public = {(each.value or "").partition("+")[0] for each in statements}
    if len(public) == 1:
        return Settled(Statement(public.pop(), first.source, first.line, origin=first.origin))
    held = " and ".join(f"{each.value} (line {each.line})" for each in statements)
    return Settled(Statement(None, first.source, first.line, note=f"holds {held}, for different platforms or extras"))


def _agree(one: Statement, other: Statement) -> bool:
    """Whether two statements can both be true: `2.1`, `2.1.0` and `2.1.0+cu118` can."""
    if one.absent or other.absent:
        return one.absent and other.absent
    short, long = sorted(((one.value or "").partition("+")[0], (other.value or "").partition("+")[0]), key=len)
    if long == short or long.startswith(f"{short}."):
        return True
    try:
        return parse_version(short) == parse_version(long)
    except InvalidVersion:
        return False


def first_version(text: str) -> str | None:
    """The version a value begins with (`2.6.0+cu124 (True)`), None when it begins with none."""
    found = _BEGINS_WITH_VERSION.match(text)
    return found[1] if found else None


def counted(lines: Iterable[Source]) -> list[Source]:
    """The sources worth naming in one sentence: each format once, where it first stands."""
    seen: dict[str, Source] = {}
    for each in lines:
        if each.format:
            seen.setdefault(each.format, each)
    return list(seen.values())
