"""Files of a project that are told by their names and hold nothing but packages: Pipfile.lock, pixi.lock, conda-lock, Dockerfile, pyproject.toml.

A line at a time, as `doctor.readers.locks` does: their entries are written by programs, or hold a requirement a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol
from urllib.parse import unquote

from doctor.errors import DoctorError
from doctor.readers.names import CONDA_EXPLICIT, CONDA_LOCK, DOCKERFILE, PIPFILE_LOCK, PIXI_LOCK, PYPROJECT
from doctor.readers.statements import VERSION, Ledger, Source

_NAME = r"[A-Za-z0-9](?:[\w.-]{0,98}[A-Za-z0-9])?"
_EXACT = re.compile(rf"(?P<name>{_NAME})(?:\[[\w., -]{{0,200}}\])?\s{{0,4}}===?\s{{0,4}}(?P<version>[\w.!+-]{{1,80}})")
_OTHER = re.compile(rf"(?P<name>{_NAME})(?:\[[\w., -]{{0,200}}\])?\s{{0,4}}(?P<allows>(?:[<>~!]=?|={{2,3}})[^;#]{{0,120}})?$")
_CONDA_SPEC = re.compile(rf"(?:[\w./-]{{1,80}}::)?(?P<name>{_NAME})={{1,2}}(?P<version>{VERSION})(?:=[\w.*-]{{1,80}})?$")
_CONDA_FILE = re.compile(rf"/(?P<name>{_NAME})-(?P<version>[^-/\s]{{1,80}})-[^-/\s]{{1,80}}\.(?:conda|tar\.bz2)(?:#\w{{1,80}})?$")
_WHEEL = re.compile(r"/(?P<name>[A-Za-z0-9][\w.]{0,98})-(?P<version>[^-/\s]{1,80})-[^/\s]{1,120}\.whl$")
_TAKE_ANOTHER = {
    "-r", "--requirement", "-c", "--constraint", "-f", "--find-links", "-i", "--index-url", "--extra-index-url", "-t", "--target",
    "-n", "--name", "-p", "--prefix", "--channel", "--python", "--file", "--platform", "--src", "--no-binary", "--only-binary",
}  # fmt: skip
"""Options of installers whose next word is theirs and no package."""
_MOST_JOINED = 20_000
"""Characters of one instruction, its continued lines joined."""


class FileReader(Protocol):
    """Reads a file that nobody else sees anything in."""

    @property
    def claims_all(self) -> bool:
        """Whether the file's name says that it holds nothing else."""

    @property
    def attentive(self) -> bool:
        """Whether what a line means depends on those before it."""

    def feed(self, number: int, line: str) -> bool:
        """Take the next line. Raises `DoctorError` for a file of this name that is none."""

    def skim(self, first: int, lines: Sequence[str]) -> Sequence[int]:
        """Which of many lines, from 0, are still to be fed."""

    def finish(self) -> None:
        """Take the end of the text. Raises `DoctorError` for a file of this name that states no package."""


class _WholeFile:
    """What all of them do alike."""

    claims_all = True
    attentive = True
    remedy = "name another file with --from"

    def __init__(self, ledger: Ledger, name: str) -> None:
        self.ledger, self.name = ledger, name
        self.source = Source(name, 1, whole=self._is_whole(), forked=True, manager="pixi" if name == "pixi.lock" else None)

    def _is_whole(self) -> bool:
        return True

    def skim(self, first: int, lines: Sequence[str]) -> Sequence[int]:
        return range(len(lines))

    def finish(self) -> None:
        if not self.source.names:
            raise DoctorError(f"{self.name}: no package in it: {self.remedy}")

    def refuse_conflict(self, number: int, line: str) -> None:
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            raise DoctorError(f"{self.name}, line {number}: a merge conflict: resolve it and lock again")


class _PipfileLock(_WholeFile):
    """Pipenv's lock, JSON as it writes it: `"name": {` eight blanks deep and `"version": "==..."` within."""

    remedy = "lock the project again"
    _entry: str | None = None
    _python = re.compile(r'\s{0,40}"python_(?:full_)?version": "(\d[\w.]{0,20})"')
    _opens = re.compile(rf'\s{{1,40}}"({_NAME})": \{{')
    _version = re.compile(r'\s{1,40}"version": "==([\w.!+-]{1,80})"')
    _git = re.compile(r'\s{1,40}"(?:git|ref|file|path)": ')
    _sections = ("default", "develop", "_meta", "hash", "requires")

    def feed(self, number: int, line: str) -> bool:
        self.refuse_conflict(number, line)
        if (opens := self._opens.match(line)) is not None:
            self._entry = opens[1] if opens[1] not in self._sections else None
        elif self._entry is not None and (version := self._version.match(line)) is not None:
            self.ledger.package(self._entry, version[1], self.source, number)
        elif self._entry is not None and self._git.match(line):
            self.ledger.package(self._entry, None, self.source, number, note="holds it without a version")
        elif self._entry is None and (python := self._python.match(line)) is not None:
            self.ledger.fact("python.version", python[1], self.source, number)
        return True


class _YamlEntries(_WholeFile):
    """pixi.lock and conda-lock.yml: items `- key: value` at one depth, each a package; a conda package's name and version stand in its address."""

    remedy = "lock the project again"
    _key = re.compile(r"(?P<margin>\s{0,12}(?:- )?)(?P<key>[a-z_]{1,20}): ['\"]?(?P<value>[^'\"\s]{1,600})")

    def __init__(self, ledger: Ledger, name: str) -> None:
        super().__init__(ledger, name)
        self._entry: dict[str, str] = {}
        self._line = 0

    def feed(self, number: int, line: str) -> bool:
        self.refuse_conflict(number, line)
        found = self._key.match(line)
        if line.lstrip().startswith("- "):
            self._close()
            self._line = number
        if found is not None and len(found["margin"]) <= len(self._entry.get("margin", found["margin"])):
            if "-" in found["margin"]:
                self._entry["margin"] = found["margin"]
            self._entry.setdefault(found["key"], found["value"])
        return True

    def finish(self) -> None:
        self._close()
        super().finish()

    def _close(self) -> None:
        entry, self._entry = self._entry, {}
        address = unquote(entry.get("conda") or entry.get("pypi") or entry.get("url") or "")
        in_address = _CONDA_FILE.search(address) or _WHEEL.search(address)
        name = entry.get("name") or (in_address["name"] if in_address is not None else None)
        version = entry.get("version") or (in_address["version"] if in_address is not None else None)
        if "margin" not in entry or name is None or version is None:
            return
        of_conda = "conda" in entry or "conda" in (entry.get("kind"), entry.get("manager"))
        if name == "python" and of_conda:
            self.ledger.fact("python.version", version, self.source, self._line)
        else:
            self.ledger.package(name, version, self.source, self._line, installer="conda" if of_conda else "pip")


class _CondaExplicit(_WholeFile):
    """`conda list --explicit`, as conda-lock renders it: an address a line."""

    remedy = "lock the environment again"

    def feed(self, number: int, line: str) -> bool:
        found = _CONDA_FILE.search(line.strip()) if line.startswith("http") else None
        if found is not None and found["name"] == "python":
            self.ledger.fact("python.version", found["version"], self.source, number)
        elif found is not None:
            self.ledger.package(found["name"], found["version"], self.source, number, installer="conda")
        return True


class _Dockerfile(_WholeFile):
    """What `RUN pip install` and their like name; the image that it builds on holds more, which its file does not say."""

    remedy = "it installs packages from other files, or its base image holds them: name such a file, or run doctor in the image"
    _install = re.compile(
        r"\b(?:(?:pip3?|pip3?\.\d{1,2}|uv pip|python3? -m pip)\s{1,8}(?P<pip>install)|(?:conda|mamba|micromamba)\s{1,8}(?:install|create))\b"
    )

    def __init__(self, ledger: Ledger, name: str) -> None:
        super().__init__(ledger, name)
        self._joined: list[tuple[int, str]] = []

    def _is_whole(self) -> bool:
        return False

    def feed(self, number: int, line: str) -> bool:
        text = line.strip()
        if self._joined and text.startswith("#"):
            return True
        self._joined.append((number, text.removesuffix("\\")))
        if not text.endswith("\\") or sum(len(each) for _, each in self._joined) > _MOST_JOINED:
            self._take()
        return True

    def finish(self) -> None:
        self._take()
        super().finish()

    def _take(self) -> None:
        joined, self._joined = self._joined, []
        if not joined or not joined[0][1].upper().startswith(("RUN ", "RUN\t")):
            return
        installing: str | None = None
        for number, text in joined:
            for part in re.split(r"(&&|\|\||;)", text):
                if part in ("&&", "||", ";"):
                    installing = None
                    continue
                found = self._install.search(part)
                if found is not None:
                    installing = "pip" if found["pip"] else "conda"
                if installing is not None:
                    self._name(part[found.end() :] if found is not None else part, installing, number)

    def _name(self, text: str, installer: str, number: int) -> None:
        words = [word.strip("\"'") for word in text.split()]
        for before, word in pairwise(("", *words)):
            if before in _TAKE_ANOTHER or word.startswith(("-", "git+", "http", ".", "/", "$")):
                continue
            found = (_EXACT if installer == "pip" else _CONDA_SPEC).fullmatch(word)
            if found is not None:
                self.ledger.package(found["name"], found["version"], self.source, number, installer=installer)
            elif (other := _OTHER.fullmatch(word)) is not None:
                note = f"allows {other['allows']}" if other["allows"] else "allows any version"
                self.ledger.package(other["name"], None, self.source, number, installer=installer, note=note)


class _Pyproject(_WholeFile):
    """The requirements of pyproject.toml: lists of them (PEP 621, dependency groups), and the tables of Poetry and Pipenv's Pipfile."""

    remedy = "it names no requirement: name the lock file with --from"
    _table = re.compile(r"\[{1,2}\s{0,4}([\w.\"'-]{1,120})\s{0,4}\]{1,2}")
    _begins_list = re.compile(r"[\w\"'.-]{1,60}\s{0,8}=\s{0,8}\[")
    _strings = re.compile(r"\"([^\"]{1,300})\"|'([^']{1,300})'")
    _pair = re.compile(rf"[\"']?({_NAME})[\"']?\s{{0,8}}=\s{{0,8}}(?:\{{.{{0,300}}?version\s{{0,4}}=\s{{0,4}})?[\"']([^\"']{{1,120}})[\"']")

    def __init__(self, ledger: Ledger, name: str) -> None:
        super().__init__(ledger, name)
        self._in, self._listing = "", False

    def _is_whole(self) -> bool:
        return False

    def feed(self, number: int, line: str) -> bool:
        text = line.strip()
        if text.startswith("#"):
            return True
        table = self._table.fullmatch(text) if not self._listing else None
        if table is not None:
            self._in = table[1].replace('"', "").replace("'", "")
        elif self._of_lists() and (self._listing or self._begins_list.match(text)):
            self._list(text, number)
        elif self._in.startswith("tool.poetry") and self._in.endswith("dependencies") and (pair := self._pair.match(text)) is not None:
            self._of_poetry(pair[1], pair[2], number)
        return True

    def _of_lists(self) -> bool:
        return self._in in ("project", "project.optional-dependencies", "dependency-groups")

    def _list(self, text: str, number: int) -> None:
        key = text.partition("=")[0].strip()
        wanted = self._listing or self._in in ("project.optional-dependencies", "dependency-groups") or key == "dependencies"
        if not wanted:
            return
        for found in self._strings.finditer(text):
            _required(self.ledger, self.source, found[1] or found[2], number)
        self._listing = "]" not in self._strings.sub("", text)

    def _of_poetry(self, name: str, what: str, number: int) -> None:
        if name == "python":
            return
        exact = re.fullmatch(VERSION, what.removeprefix("==").strip())
        self.ledger.package(name, exact[0] if exact is not None else None, self.source, number, note=None if exact is not None else f"allows {what}")


def _required(ledger: Ledger, source: Source, requirement: str, number: int) -> None:
    bare = requirement.partition(";")[0].strip()
    if (exact := _EXACT.fullmatch(bare)) is not None:
        ledger.package(exact["name"], exact["version"], source, number)
    elif (other := _OTHER.fullmatch(bare)) is not None:
        note = f"allows {other['allows'].strip()}" if other["allows"] else "allows any version"
        ledger.package(other["name"], None, source, number, note=note)


_KINDS: Sequence[tuple[str, Callable[[Ledger, str], FileReader]]] = (
    (PIPFILE_LOCK, _PipfileLock),
    (f"{PIXI_LOCK}|{CONDA_LOCK}", _YamlEntries),
    (CONDA_EXPLICIT, _CondaExplicit),
    (DOCKERFILE, _Dockerfile),
    (PYPROJECT, _Pyproject),
)


def project_file_reader(ledger: Ledger, name: str) -> FileReader:
    """The reader of a file whose name (without its folder) is one of `doctor.readers.names.OF_A_PROJECT`."""
    return next(reader(ledger, name) for pattern, reader in _KINDS if re.fullmatch(pattern, name))
