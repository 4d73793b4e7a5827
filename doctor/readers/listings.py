"""Lists of packages: pip's, uv's and conda's tables, freezes and requirement files, what installers print, environment.yml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from doctor.knowledge.matrix import normalised_name
from doctor.readers.statements import IN_PROSE, NOT_LONGER, VERSION, Ledger, Source

_MAX_GAP_LINES = 3
_NAME = r"[A-Za-z0-9](?:[\w.-]{0,80}[A-Za-z0-9])?"
_ONE_NAME = re.compile(_NAME)
_VERSION = re.compile(r"[0-9][\w.!+-]{0,80}")
_PYTHON = re.compile(r"3\.[0-9]{1,2}(\.[0-9]{1,2})?")
_DRIVE = re.compile(r"[A-Za-z]:\\")
_TABLE_HEAD = re.compile(r"^[|#]?\s{0,20}(?:Package|Name)\s{1,200}(?:\|\s{0,200})?Version\b(?P<rest>.*)$")
_CONDA_PATHS = ("# packages in environment at ", "List of packages in environment: ")
_RULE = re.compile(r"^[\s|:]*[-\u2500]{3}[-\u2500\s|:]*$")
_TABLE_STARTS = ("Package", "Name", "|", "#", "List of packages")
_ROW = re.compile(
    rf"^\|?\s{{0,20}}(?P<name>_?{_NAME})(?:\s{{1,200}}(?:\|\s{{0,200}})?|\|\s{{0,200}})(?P<version>[0-9][\w.!+*-]{{0,80}})(?P<rest>(?:\s.*)?)$"
)
_PLAIN_ROWS = re.compile(rf"^({_NAME}) {{1,200}}[0-9][\w.!+*-]{{0,80}}(?: [\w. +-]{{0,200}})?$", re.ASCII | re.MULTILINE)
"""Rows in which nobody but the reader of a table sees anything."""
_PLAIN_PINS = re.compile(rf"^(?![A-Z][A-Z0-9_]{{0,80}}=)({_NAME})[=~>]=[\w.!+*-]{{1,80}}$", re.ASCII | re.MULTILINE)
"""Likewise; `RANK==0` could set a variable."""
_LONE_ROW = re.compile(
    rf"^(?:\|\s{{0,20}})?`?(?P<name>{_NAME})`?(?:\s{{2,200}}|\t|\s{{0,200}}\|\s{{0,20}})`?v?(?P<version>{VERSION})`?{NOT_LONGER}"
    r"(?P<rest>(?:\s{1,200}[^\s|]{1,200}){0,3})\s{0,200}\|?$"
)
_TAGGED = re.compile(r"^\[(?P<tag>pip3?|conda)\]\s{1,40}(?P<rest>\S.*)$")
_REQUIREMENT = re.compile(
    rf"^(?P<mark>[-*\u2022+~]\s{{1,20}})?[`\"']?(?P<name>{_NAME})(?:\[[\w,\s.-]{{0,80}}\])?\s{{0,40}}(?P<how>===|==|~=|!=|>=|<=|>|<|@)\s{{0,40}}"
    r"(?P<what>[^;#\s\\][^;#\\]{0,400})"
    r"(?:;[^#]{0,300}|#.{0,300}|\\)?$"
)
_SPECIFIER = re.compile(r"^[\w.*+!-]{1,80}(?:\s{0,3},\s{0,3}(?:[<>=!~]=?=?)\s{0,3}[\w.*+!-]{1,80}){0,8}$")
_BARE = re.compile(rf"^(?P<name>{_NAME})(?:\[[\w,\s.-]{{0,80}}\])?\s{{0,40}}(?:[;#].{{0,300}})?$")
_EXACT = re.compile(r"^={0,3}\s{0,40}(?P<version>[0-9][\w.!+-]{0,80})$")
_EDITABLE = re.compile(rf"^-e\s{{1,20}}(?P<url>\S{{1,400}}?)(?:#egg=(?P<egg>{_NAME})(?:&\S{{0,200}})?)?$")
_EDITABLE_NOTE = re.compile(rf"^# Editable .{{0,80}}\((?P<name>{_NAME})==(?P<version>[0-9][\w.!+-]{{0,80}})\)$")
_IN_WHEEL = re.compile(r"/[A-Za-z0-9_.]{1,80}-(?P<version>[0-9][\w.!+]{0,80})-[\w.]{1,40}-[\w.]{1,80}-[\w.]{1,200}\.whl")
_COMMIT = re.compile(r"@(?P<revision>[0-9a-f]{7,40})(?:$|[#?&])")
_INSTALLED = re.compile(r"^Successfully installed (?P<names>\S.*)$")
_SATISFIED = re.compile(
    rf"^Requirement already satisfied: (?P<name>{_NAME})\b[^()]{{0,300}}(?:\([^()]{{0,200}}\)[^()]{{0,300}})?\((?P<version>[0-9][\w.!+-]{{0,80}})\)$"
)
_JSON_ITEM = re.compile(rf'\{{\s?"name":\s?"(?P<name>{_NAME})",\s?"version":\s?"(?P<version>[0-9][\w.!+-]{{0,80}})"')
_REQUIREMENT_FILES = re.compile(
    r"^(?:(?:.{0,80}[-_.])?(?:requirements|constraints|freeze)(?:[-_.].{0,80})?\.(?:txt|in)$|requirements.{0,80})", re.IGNORECASE
)


class ListingReader:
    """Reads lists of packages wherever they stand; `name` is the file's, where there is one."""

    def __init__(self, ledger: Ledger, name: str | None = None) -> None:
        self._ledger = ledger
        self._table: Source | None = None
        self._conda = False
        self._editable_column = False
        self._pins: Source | None = None
        self.last = 0
        """The last line of a list of pins."""
        self._tagged: Source | None = None
        self._file = name if name is not None and _REQUIREMENT_FILES.fullmatch(name) else None

    def feed(self, number: int, line: str) -> bool:
        """Take the next line; whether it was one of these."""
        text = line.strip()
        if (self._table is not None or text.startswith(_TABLE_STARTS)) and self._in_table(number, text):
            return True
        if text.startswith("[") and (tagged := _TAGGED.match(text)) is not None:
            return self._of_collect_env(tagged, number)
        if text.startswith(("Successfully installed ", "Requirement already")):
            return self._of_pip(number, text)
        if '"name"' in text and '"version"' in text:
            return self._of_json(number, line)
        if len(text) > 1000:
            return False
        return self._requirement(number, text) or self._lone_row(number, text)

    def skim(self, first: int, lines: Sequence[str]) -> Sequence[int]:
        """Which of many lines, from 0, are still to be fed; the others were taken: they are plain rows of the list being read."""
        pins, every = self._table is None, range(len(lines))
        source = self._pins if pins else self._table
        if source is None or (pins and self._file is None and first - self.last > _MAX_GAP_LINES):
            return every
        # Where each line first stands: once more it would state nothing.
        places = dict(zip(reversed(lines), reversed(every), strict=True))
        names = (_PLAIN_PINS if pins else _PLAIN_ROWS).findall("\n".join(places))
        wanted = self._ledger.count(names, source) if len(names) == len(places) else None
        if wanted is None:
            return every
        if pins:
            self.last = first + len(lines) - 1
        at = list(places.values())
        return sorted(at[each] for each in wanted)

    @property
    def state(self) -> tuple[object, ...]:
        """What a line means depends on this, and on how far it is from the last."""
        return self._table, self._conda, self._editable_column, self._pins, self._tagged

    # Tables

    def _in_table(self, number: int, text: str) -> bool:
        if text.startswith(_CONDA_PATHS):
            self._open_table("conda list", number)
            return True
        head = _TABLE_HEAD.match(text)
        if head is not None:
            conda = "Build" in head["rest"]
            if self._table is None or self._conda is not conda or self._table.names:
                self._open_table("conda list" if conda else "pip list", number)
            self._editable_column = ("Editable" in head["rest"] or "Location" in head["rest"]) and "Installer" not in head["rest"]
            return True
        table = self._table
        if table is None:
            return False
        if not text or text.startswith("#") or _RULE.match(text):
            return True
        row = _ROW.match(text)
        if row is None:
            self._table = None
            return False
        self._state_row(row, table, number)
        return True

    def _open_table(self, form: str, number: int) -> None:
        self._table = Source(form, number)
        self._conda = form == "conda list"
        self._editable_column = False

    def _state_row(self, row: re.Match[str], source: Source, number: int) -> None:
        rest = row["rest"].strip(" |")
        if self._conda and row["name"] == "python":
            self._ledger.fact("python.version", row["version"], source, number)
        if self._conda:
            installer = "pip" if rest.split()[:1] and rest.split()[0].startswith("pypi") else "conda"
            self._ledger.package(row["name"], row["version"], source, number, installer=installer)
            return
        editable = (self._editable_column and rest.startswith(("/", "~", "."))) or _DRIVE.match(rest) is not None
        self._ledger.package(row["name"], row["version"], source, number, origin="editable" if editable else "index")

    def _lone_row(self, number: int, text: str) -> bool:
        """A row of a list without its head, as `pip list | grep torch` gives it."""
        row = _LONE_ROW.match(text)
        if row is None:
            return False
        self._ledger.package(row["name"], row["version"], self._pinned(number), number)
        return True

    # Requirements

    def _pinned(self, number: int) -> Source:
        """The list of pins the line belongs to."""
        if self._pins is None or (self._file is None and number - self.last > _MAX_GAP_LINES):
            self._pins = Source(self._file or "list of versions", number, forked=self._file is not None)
        self.last = max(self.last, number)
        return self._pins

    def _requirement(self, number: int, text: str) -> bool:
        requirement = _REQUIREMENT.match(text)
        if requirement is not None and (requirement["how"] == "@" or _SPECIFIER.match(_bare(requirement["what"]))):
            self._state_requirement(requirement, number)
            return True
        if text.startswith("-e ") and (editable := _EDITABLE.match(text)) is not None:
            name = editable["egg"] or editable["url"].rstrip("/").rpartition("/")[2].partition(".git")[0]
            if _ONE_NAME.fullmatch(name):
                self._from_elsewhere(name, editable["url"], self._pinned(number), number, editable=True)
            return True
        if text.startswith("# Editable") and (noted := _EDITABLE_NOTE.match(text)) is not None:
            self._ledger.package(noted["name"], noted["version"], self._pinned(number), number, origin="editable")
            return True
        if self._file is not None and (bare := _BARE.match(text)) is not None:
            self._ledger.package(bare["name"], None, self._pinned(number), number, note="allows any version")
            return True
        return False

    def _state_requirement(self, found: re.Match[str], number: int) -> None:
        what = _bare(found["what"])
        exact = _EXACT.match(what) if found["how"] in ("==", "===") else None
        mark = (found["mark"] or "").strip()
        removed_or_bullet = mark in ("-", "*", "\u2022")  # what uv says it removed looks like an item of a list in prose
        source = Source("", number, IN_PROSE) if removed_or_bullet else self._pinned(number)
        if found["how"] == "@":
            self._from_elsewhere(found["name"], what, source, number, editable=False)
        elif exact is not None:
            self._ledger.package(found["name"], exact["version"], source, number)
        elif not mark:
            self._ledger.package(found["name"], None, source, number, note=f"allows {found['how']}{what}"[:80])

    def _from_elsewhere(self, name: str, url: str, source: Source, number: int, editable: bool) -> None:
        """A requirement on an address, which may hold the version: a wheel's does, a repository's does not."""
        wheel = _IN_WHEEL.search(unquote(url[:600]))
        commit = _COMMIT.search(url)
        if wheel is not None:
            self._ledger.package(name, wheel["version"], source, number, origin="archive")
        elif url.startswith("git+"):
            revision = commit["revision"] if commit is not None else None
            self._ledger.package(name, None, source, number, note="installs it from git, without a version", origin="vcs", revision=revision)
        elif editable:
            self._ledger.package(name, None, source, number, note="installs it from a local folder, without a version", origin="editable")
        else:
            self._ledger.package(name, None, source, number, note="installs it from an address without a version")

    # What installers and collect_env print

    def _of_pip(self, number: int, text: str) -> bool:
        source = Source("pip's output", number)
        if (satisfied := _SATISFIED.match(text)) is not None:
            self._ledger.package(satisfied["name"], satisfied["version"], source, number)
        elif (installed := _INSTALLED.match(text)) is not None:
            for word in installed["names"].split()[:2000]:
                name, _, version = word.rpartition("-")
                if _ONE_NAME.fullmatch(name) and version[:1].isdigit():
                    self._ledger.package(name, version[:80], source, number)
        else:
            return False
        return True

    def _of_json(self, number: int, line: str) -> bool:
        source = Source("pip list", number)
        found = False
        for item in _JSON_ITEM.finditer(line):
            self._ledger.package(item["name"], item["version"], source, number)
            found = True
        return found

    def _of_collect_env(self, tagged: re.Match[str], number: int) -> bool:
        if self._tagged is None or number - self.last > _MAX_GAP_LINES:
            self._tagged = Source("libraries of `collect_env`", number)
        self.last = number
        pattern = _ROW if tagged["tag"] == "conda" else _REQUIREMENT
        found = pattern.match(tagged["rest"])
        if found is not None:
            version = found["version"] if tagged["tag"] == "conda" else found["what"].strip()
            self._ledger.package(found["name"], version[:80], self._tagged, number, installer="conda" if tagged["tag"] == "conda" else None)
        return True


def _bare(what: str) -> str:
    """What follows the operator, without the quotes and commas of the list it stood in."""
    return what.strip().strip("`\"',").strip()


_SPEC = re.compile(
    rf"^-\s{{1,20}}[\"']?(?:[\w./-]{{1,80}}::)?(?P<name>{_NAME})(?:\s{{0,20}}(?P<how>={{1,2}}|[<>!~]=?)\s{{0,20}}(?P<what>[^\s=\"'#][^=\"'#]{{0,100}}))?"
    r"(?:=(?P<build>[\w.*-]{1,80}))?[\"']?\s{0,40}(?:#.*)?$"
)
_PLAIN_ITEMS = re.compile(
    rf"^( {{0,40}})- {{1,20}}(?:pip:|({_NAME})(?:={{1,2}}[0-9][\w.!+*-]{{0,80}}(?:=[\w.*-]{{1,80}})?)?)$", re.ASCII | re.MULTILINE
)
"""Items in which nobody but the reader of environment.yml sees anything."""


class CondaFileReader:
    """Reads environment.yml, also where it stands in an issue: from `dependencies:` to the first line that is no item."""

    def __init__(self, ledger: Ledger, name: str | None = None) -> None:
        self._ledger = ledger
        self._name = name if name is not None and name.endswith((".yml", ".yaml")) else "environment.yml"
        self._source: Source | None = None
        self._pip: int | None = None
        """The indentation of the `pip:` item while its own items last."""

    def feed(self, number: int, line: str) -> bool:
        """Take the next line; whether it was one of these."""
        text = line.strip()
        if self._source is None:
            if text == "dependencies:":
                self._source, self._pip = Source(self._name, number, forked=True), None
                return True
            return False
        if not text or text.startswith("#"):
            return True
        if not text.startswith("-"):
            self._source = None
            return False
        self._item(number, len(line) - len(line.lstrip()), text, self._source)
        return True

    def skim(self, lines: Sequence[str]) -> Sequence[int]:
        """Which of many lines, from 0, are still to be fed; the others were taken: they are plain items that change nothing for the next."""
        if self._source is None:
            return range(len(lines))
        items = _PLAIN_ITEMS.findall("\n".join(lines))
        found = self._ledger.count([name for _, name in items], self._source) if len(items) == len(lines) else None
        if found is None:
            return range(len(lines))
        wanted, pip, left = set(found), self._pip, []
        for at, (indentation, name) in enumerate(items):
            before = pip
            if not name:
                pip = len(indentation)
            elif pip is not None and len(indentation) <= pip:
                pip = None
            if pip != before or at in wanted:
                left.append(at)
        return left

    @property
    def state(self) -> tuple[object, ...]:
        """What a line means depends on this."""
        return self._source, self._pip

    def _item(self, number: int, indentation: int, text: str, source: Source) -> None:
        if text.startswith("-") and text[1:].strip() == "pip:":
            self._pip = indentation
            return
        if self._pip is not None and indentation <= self._pip:
            self._pip = None
        spec = _SPEC.match(text)
        if spec is None:
            return
        name, how, what = spec["name"], spec["how"], (spec["what"] or "").strip()
        if normalised_name(name) == "python":
            if how in ("=", "==") and _PYTHON.fullmatch(what):
                self._ledger.fact("python.version", what, source, number)
            return
        installer = "pip" if self._pip is not None else "conda"
        # conda reads `=2.1` as "some 2.1", `=2.1.0` is as good as exact, and an export names the build as well.
        exact = _VERSION.fullmatch(what) is not None and (how == "==" or (how == "=" and (spec["build"] or what.count(".") >= 2)))
        if exact:
            self._ledger.package(name, what, source, number, installer=installer)
        else:
            self._ledger.package(name, None, source, number, installer=installer, note=f"allows {how}{what}" if how else "allows any version")
