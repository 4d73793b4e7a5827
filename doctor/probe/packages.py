"""What is installed, from the metadata on the patient's own path. Nothing of the patient's is imported, and nothing is trusted blindly."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from doctor.facts.environment import Distribution, InstallationFault, Origin, Requirement, VersionSource
from doctor.knowledge.matrix import normalised_name, parse_version

if TYPE_CHECKING:
    from packaging.markers import Marker

_MAX_MODULE_BYTES = 512 * 1024
_MAX_METADATA_CHARACTERS = 4 * 1024 * 1024
_HEADERS = ("name", "version", "requires-dist")
_RECORD_NAME_ENDS = re.compile(r"-\d|\.(?:dist|egg)-info$")
_SET_ASIDE = "-~.=%0123456789"
"""What pip puts in place of first letters, after a `~`, when it sets aside what it is about to remove."""
_VERSION_LINE = re.compile(r"""^__version__(?:\s*:\s*\w+)?\s*=\s*["']([^"'\s]{1,100})["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Packages:
    """What is installed, and what is wrong with how it is."""

    installed: Mapping[str, Distribution]
    requirements: tuple[Requirement, ...]
    faults: tuple[InstallationFault, ...]


@dataclass(frozen=True)
class _Record:
    """One dist-info or egg-info folder."""

    name: str
    folder: Path
    version: str | None = None
    """As METADATA says; None when there is no usable METADATA."""
    requires: tuple[str, ...] = ()
    problem: Literal["unreadable", "missing"] | None = None
    """Why there is no usable METADATA."""

    @functools.cached_property
    def direct_url(self) -> Mapping[str, Any]:
        """direct_url.json as PEP 610 describes it; empty when there is none, or nothing sensible in it."""
        return _direct_url(self.folder)

    @property
    def installer(self) -> str | None:
        """The tool that says it installed it."""
        words = (_text_of(self.folder / "INSTALLER") or "").split()
        return words[0][:30].lower() if words else None

    @property
    def folder_version(self) -> str | None:
        match = re.fullmatch(r"^[^-]+-([^-]+)(?:-.*)?\.(?:dist|egg)-info", self.folder.name)
        return match[1] if match else None

    @property
    def origin(self) -> Origin:
        if "vcs_info" in self.direct_url:
            return "vcs"
        if "dir_info" in self.direct_url:
            directory = self.direct_url["dir_info"]
            return "editable" if isinstance(directory, dict) and directory.get("editable") else "directory"
        if "archive_info" in self.direct_url:
            return "archive"
        in_place = self.folder.suffix == ".egg-info" and self.folder.parent.name not in ("site-packages", "dist-packages")
        return "editable" if in_place else "index"


def examine_packages(path: Sequence[Path], names: Iterable[str], directory: Path, python: str | None) -> Packages:
    """The distributions called `names` on the module search `path`; `directory` is where the user starts Python, `python` its version."""
    wanted = frozenset(names)
    records = _records(path)
    set_aside = [entry / name for entry in path for name in _names_in(entry) if name.startswith("~")]
    installed: dict[str, Distribution] = {}
    faults: list[InstallationFault] = []
    for name in sorted(wanted):
        mine = [record for record in records if record.name == name]
        module = _Module(name, path)
        distribution = _distribution(name, mine, module)
        if distribution is not None:
            installed[name] = distribution
        faults += _faults(name, mine, module, directory)
        faults += [_leftover(name, child) for child in set_aside if _was_called(child.name, module.name)]
    return Packages(installed, tuple(_requirements(records, wanted, python)), tuple(faults))


def unpublished(path: Sequence[Path]) -> tuple[tuple[str, str | None], ...]:
    """The names of distributions that direct_url.json says are not from an index, each with the folder it was installed from, if from one."""
    from urllib.parse import unquote

    found = []
    for entry in path:
        for file in sorted(entry.glob("*.dist-info/direct_url.json")):
            url = _direct_url(file.parent).get("url")
            folder = unquote(url[len("file://") :]) if isinstance(url, str) and url.startswith("file://") else None
            found.append((_name_of_record(file.parent.name), folder))
    return tuple(found)


def _records(path: Sequence[Path]) -> list[_Record]:
    """Every record on the path, in its order; a folder reached by two entries counts once, one that pip has set aside not at all."""
    records: dict[tuple[str, str], _Record] = {}
    for entry in path:
        home, egg = os.path.realpath(entry), entry.suffix == ".egg"
        for name in _names_in(entry):
            is_record = name.endswith((".dist-info", ".egg-info")) or (egg and name == "EGG-INFO")
            if is_record and not name.startswith("~") and (home, name) not in records:
                records[home, name] = _record(entry / name)
    return list(records.values())


def _record(folder: Path) -> _Record:
    name = _name_of_record(folder.name)
    files = (folder / "METADATA", folder / "PKG-INFO", folder)  # the last: an .egg-info that is itself the file, as distutils wrote it
    headers = _headers(next(filter(None, map(_text_of, files)), ""))
    if headers.get("name") and headers.get("version"):
        return _Record(normalised_name(headers["name"][0]), folder, headers["version"][0][:100], tuple(headers.get("requires-dist", ())))
    is_there = any(os.path.lexists(file) for file in files[:2]) or not os.path.isdir(folder)
    return _Record(name, folder, problem="unreadable" if is_there else "missing")


def _name_of_record(name: str) -> str:
    return normalised_name(_RECORD_NAME_ENDS.split(name, maxsplit=1)[0])


def _headers(text: str) -> dict[str, list[str]]:
    """The headers we read of a core metadata file, which `email` would take ten times as long to parse with all the others."""
    headers: dict[str, list[str]] = {}
    for line in text.partition("\n\n")[0].split("\n"):
        name, _, value = line.partition(":")
        if name.lower() in _HEADERS and (value := value.strip()):
            headers.setdefault(name.lower(), []).append(value)
    return headers


def _text_of(file: Path) -> str | None:
    """The text of a file of a record; None where there is none, or it cannot be read."""
    try:
        with file.open(encoding="utf-8") as stream:
            return stream.read(_MAX_METADATA_CHARACTERS)
    except (OSError, UnicodeDecodeError):
        return None


def _direct_url(folder: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(_text_of(folder / "direct_url.json") or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


class _Module:
    """The import package of a distribution, as `import` would find it on the path, without importing it."""

    def __init__(self, distribution: str, path: Sequence[Path]) -> None:
        self.name = distribution.replace("-", "_")
        self._path = path
        self.location = next((found for entry in path if (found := module_in(entry, self.name)) is not None), None)

    @functools.cached_property
    def version(self) -> str | None:
        """The literal `__version__` of the module; None when there is none, or it is computed."""
        if self.location is None or not self.location.is_dir():
            return None
        for name in ("version.py", "__init__.py") if self.name == "torch" else ("__init__.py",):
            try:
                with (self.location / name).open("rb") as file:
                    match = _VERSION_LINE.search(file.read(_MAX_MODULE_BYTES).decode("utf-8", "replace"))
            except OSError:
                continue
            if match:
                return match[1]
        return None

    @functools.cached_property
    def remains(self) -> list[Path]:
        """Package folders that still hold code, but no `__init__.py` any more."""
        return [entry / self.name for entry in self._path if _holds_python(entry / self.name)] if self.location is None else []


def module_in(folder: Path, name: str) -> Path | None:
    """The regular package or module `name` in one folder of the search path, None when there is none."""
    package = folder / name
    if os.path.isfile(package / "__init__.py"):
        return package
    source = folder / f"{name}.py"
    return source if os.path.isfile(source) else None


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _holds_python(folder: Path) -> bool:
    return any(name.endswith((".py", ".so")) for name in _names_in(folder))


def _distribution(name: str, records: Sequence[_Record], module: _Module) -> Distribution | None:
    """What runs when the module is imported: the module's word counts for more than the record's."""
    record = _record_in_force(records, module) or next(iter(records), None)
    if record is None:
        source: VersionSource = "module" if module.version else "unknown"
        return Distribution(name, module.version, source, "directory") if module.location or module.remains else None
    sources: list[tuple[str | None, VersionSource]] = [(module.version, "module")]
    if not _disputed(record, records):
        sources += [(record.version, "metadata"), (record.folder_version, "folder-name")]
    version, source = next((each for each in sources if each[0]), (None, "unknown"))
    if source == "module" and record.version and _same_version(version, record.version):
        version, source = record.version, "metadata"
    return Distribution(name, version, source, record.origin, _revision(record), record.installer)


def _record_in_force(records: Sequence[_Record], module: _Module) -> _Record | None:
    """The usable record of what `import` finds: of several, the one that agrees with the module, else the first."""
    usable = [record for record in records if record.problem is None]
    return next((record for record in usable if _same_version(record.version, module.version)), next(iter(usable), None))


def _disputed(record: _Record, records: Sequence[_Record]) -> bool:
    """Whether a record in the same folder names another version: which of the two is true is in neither of them."""
    return any(other.folder.parent == record.folder.parent and other.version not in (None, record.version) for other in records)


def _revision(record: _Record) -> str | None:
    vcs = record.direct_url.get("vcs_info")
    commit = vcs.get("commit_id") if isinstance(vcs, dict) else None
    return commit if isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{7,64}", commit) else None


def _same_version(one: str | None, other: str | None) -> bool:
    """Equal in PEP 440 order, local parts left out: `2.13.0` in a file and `2.13.0+cpu` in the record are one build."""
    if one is None or other is None:
        return False
    try:
        return parse_version(one) == parse_version(other)
    except InvalidVersion:
        return one == other


def _faults(name: str, records: Sequence[_Record], module: _Module, directory: Path) -> Iterator[InstallationFault]:
    record = _record_in_force(records, module)
    for folder, twins in _by_folder(records).items():
        if len(twins) > 1:
            names = ", ".join(sorted(twin.folder.name for twin in twins))
            version = module.version or (record.version if record and not _disputed(record, twins) else None)
            yield InstallationFault("duplicate-metadata", name, f"{names} lie side by side in {folder}", version)
    for each in records:
        if each.problem:
            yield InstallationFault(f"{each.problem}-metadata", name, f"no usable METADATA in {each.folder}", each.folder_version)
        if each.origin in _ORIGIN_WORDS:
            commit = _revision(each)
            detail = f"installed from {_ORIGIN_WORDS[each.origin]}" + (f", commit {commit[:12]}" if commit else "")
            yield InstallationFault("not-a-release", name, detail, each.version)
    if not records:
        yield from _unrecorded(name, module)
    if record is not None and record.origin != "editable":
        if module.location is None and _recorded_module_is_gone(record, module):
            yield InstallationFault("half-uninstalled", name, f"{record.folder} records files that are not there", record.version)
        if module.version and not _same_version(module.version, record.version):
            detail = f"its metadata says {record.version}, the files on disk say {module.version}"
            yield InstallationFault("version-mismatch", name, detail, module.version)
        yield from _shadows(name, record, module, directory)


def _unrecorded(name: str, module: _Module) -> Iterator[InstallationFault]:
    """A module without any record: in the folders that installers fill, one was lost; elsewhere, somebody put a source tree on the path."""
    if module.location is not None and module.location.parent.name in ("site-packages", "dist-packages"):
        yield InstallationFault("missing-metadata", name, f"no metadata records {module.location}", module.version)
    elif module.location is not None:
        yield InstallationFault("not-a-release", name, f"{module.location} stands on the module search path, not installed", module.version)
    for folder in module.remains:
        yield _leftover(name, folder)


def _leftover(name: str, folder: Path) -> InstallationFault:
    return InstallationFault("half-uninstalled", name, f"{folder} is left over from an earlier install")


def _was_called(found: str, name: str) -> bool:
    """Whether pip has set a file aside as `found`, `~orch` or `~-rch-2.9.0.dist-info`, that was called `name` or `name-...`."""
    renamed, rest = found[: len(name)].lower(), found[len(name) :]
    kept = renamed.lstrip(_SET_ASIDE)
    return kept != "" and len(renamed) == len(name) and name.endswith(kept) and rest[:1] in ("", "-")


_ORIGIN_WORDS = {"editable": "an editable source tree", "vcs": "version control", "directory": "a local folder"}


def _by_folder(records: Sequence[_Record]) -> Mapping[Path, list[_Record]]:
    folders: dict[Path, list[_Record]] = {}
    for record in records:
        folders.setdefault(record.folder.parent, []).append(record)
    return folders


def _recorded_module_is_gone(record: _Record, module: _Module) -> bool:
    """Whether RECORD lists the module's `__init__.py`, which is known not to be found."""
    try:
        listed = (record.folder / "RECORD").read_text("utf-8", "replace")
    except OSError:
        return False
    return f"\n{module.name}/__init__.py," in f"\n{listed}"


def _shadows(name: str, record: _Record, module: _Module, directory: Path) -> Iterator[InstallationFault]:
    """A module of the same name that `import` finds first: in the folder Python is started from, or earlier on the path."""
    home, found = record.folder.parent, module.location
    here = module_in(directory, module.name)
    if here is not None and not _same_folder(here.parent, home):
        yield InstallationFault("shadowed-module", name, f"{here} stands in the folder Python would be started from", record.version)
    if found is not None and module_in(home, module.name) is not None and not _same_folder(found.parent, home):
        yield InstallationFault("shadowed-module", name, f"{found} comes first on the module search path", record.version)


def _same_folder(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _requirements(records: Iterable[_Record], wanted: frozenset[str], python: str | None) -> Iterator[Requirement]:
    """What installed distributions declare about the packages wanted (extras left out: whether they are used is not recorded)."""
    first_of_name: dict[str, _Record] = {}
    for record in records:
        first_of_name.setdefault(record.name, record)
    for record in first_of_name.values():
        for line in record.requires:
            name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
            wants = normalised_name(name) in wanted and "extra" not in line
            if wants and (specifier := _specifier(line, line[len(name) :], python)):
                yield Requirement(record.name, normalised_name(name), str(specifier))


def _specifier(line: str, after_name: str, python: str | None) -> SpecifierSet | None:
    """What a Requires-Dist line asks for in the patient's Python (None: not known, so that everything counts); None: nothing, or nonsense."""
    if not any(each in after_name for each in ";@["):  # as nearly all lines that count
        try:
            return SpecifierSet(after_name.strip(" ()"))
        except InvalidSpecifier:
            return None
    # It takes longer to import than everything installed takes to be read.
    from packaging.requirements import InvalidRequirement, Requirement as Requires

    try:
        requires = Requires(line)
    except InvalidRequirement:
        return None
    return requires.specifier if _applies(requires.marker, python) else None


def _applies(marker: Marker | None, python: str | None) -> bool:
    """Whether a requirement counts in the patient's Python; where that is not known, it does."""
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

    if marker is None or python is None:
        return True
    try:
        return marker.evaluate({"python_version": ".".join(python.split(".")[:2]), "python_full_version": python})
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
        return True
