"""What is installed, from the metadata on the patient's own path. Nothing of the patient's is imported, and nothing is trusted blindly."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from packaging.version import InvalidVersion

from doctor.facts.environment import Distribution, InstallationFault, Requirement, Unknown, VersionSource
from doctor.facts.frozen import Frozen
from doctor.files import names_in, read_beginning, read_file
from doctor.knowledge.matrix import parse_version
from doctor.probe.deadline import NEVER, Deadline
from doctor.probe.records import Record, read_records, record_folders
from doctor.probe.requirements import declared_requirements

_MAX_MODULE_BYTES = 512 * 1024
_MAX_RECORD_BYTES = 64 * 1024 * 1024
"""Of RECORD, which has a line of a hundred bytes for each file."""
_SET_ASIDE = "-~.=%0123456789"
"""What pip puts in place of first letters, after a `~`, when it sets aside what it is about to remove."""
_VERSION_LINE = re.compile(r"""^__version__(?:\s*:\s*\w+)?\s*=\s*["']([^"'\s]{1,100})["']""", re.MULTILINE)


class Packages(Frozen):
    """What is installed, and what is wrong with how it is."""

    installed: Mapping[str, Distribution]
    requirements: tuple[Requirement, ...]
    faults: tuple[InstallationFault, ...]
    unknown: tuple[Unknown, ...] = ()
    partial: bool = False
    """Whether there was no time to look at everything: a package that is not in `installed` may be there all the same."""


def examine_packages(path: Sequence[Path], names: Iterable[str], directory: Path, python: str | None, deadline: Deadline = NEVER) -> Packages:
    """The distributions called `names` on the module search `path`; `directory` is where the user starts Python, `python` its version.

    What could not be looked at before the deadline is unknown.
    """
    wanted = frozenset(names)
    listed = {entry: names_in(entry) for entry in path}
    folders = record_folders(listed)
    records = read_records(folders, wanted, deadline)
    partial = len(records) < len(folders)
    set_aside = [entry / child for entry in path for child in listed[entry] if child.startswith("~")]
    installed: dict[str, Distribution] = {}
    faults: list[InstallationFault] = []
    for name in sorted(wanted):
        mine = [record for record in records if record.name == name]
        module = _Module(name, path)
        distribution = _distribution(name, mine, module)
        if distribution is not None:
            installed[name] = distribution
        if mine or not partial:
            faults += _faults(name, mine, module, directory)
        faults += [_leftover(name, child) for child in set_aside if _was_called(child.name, module.name)]
    requirements, unknown = declared_requirements(records, wanted, python, deadline)
    if partial:
        reason = f"only {len(records)} of {len(folders)} records were read within {deadline.seconds:g} s (--timeout gives it longer)"
        unknown.insert(0, Unknown("packages", reason, important=True))
    return Packages(installed, tuple(requirements), tuple(faults), tuple(unknown), partial)


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
                match = _VERSION_LINE.search(read_beginning(self.location / name, _MAX_MODULE_BYTES).decode("utf-8", "replace"))
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


def _holds_python(folder: Path) -> bool:
    return any(child.endswith((".py", ".so")) for child in names_in(folder))


def _distribution(name: str, records: Sequence[Record], module: _Module) -> Distribution | None:
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


def _record_in_force(records: Sequence[Record], module: _Module) -> Record | None:
    """The usable record of what `import` finds: of several, the one that agrees with the module, else the first."""
    usable = [record for record in records if record.problem is None]
    return next((record for record in usable if _same_version(record.version, module.version)), next(iter(usable), None))


def _disputed(record: Record, records: Sequence[Record]) -> bool:
    """Whether a record in the same folder names another version: which of the two is true is in neither of them."""
    return any(other.folder.parent == record.folder.parent and other.version not in (None, record.version) for other in records)


def _revision(record: Record) -> str | None:
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


def _faults(name: str, records: Sequence[Record], module: _Module, directory: Path) -> Iterator[InstallationFault]:
    record = _record_in_force(records, module)
    for folder, twins in _by_folder(records).items():
        if len(twins) > 1:
            names = ", ".join(sorted(twin.folder.name for twin in twins))
            version = module.version or (record.version if record and not _disputed(record, twins) else None)
            yield InstallationFault("duplicate-metadata", name, f"{names} lie side by side in {folder}", version)
    for each in records:
        if each.problem:
            why = f" ({'; '.join(each.unread)})" if each.unread else ""
            yield InstallationFault(f"{each.problem}-metadata", name, f"no usable METADATA in {each.folder}{why}", each.folder_version)
        elif each.unread:
            yield InstallationFault("unreadable-metadata", name, f"not all in {each.folder} can be read ({'; '.join(each.unread)})", each.version)
        if each.origin in _ORIGIN_WORDS:
            commit = _revision(each)
            detail = f"installed from {_ORIGIN_WORDS[each.origin]}" + (f", commit {commit[:12]}" if commit else "")
            yield InstallationFault("not-a-release", name, detail, each.version)
    if not records:
        yield from _unrecorded(name, module)
    if record is not None and record.origin != "editable":
        if module.location is None:
            yield from _recorded_module_is_gone(record, module)
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


def _by_folder(records: Sequence[Record]) -> Mapping[Path, list[Record]]:
    folders: dict[Path, list[Record]] = {}
    for record in records:
        folders.setdefault(record.folder.parent, []).append(record)
    return folders


def _recorded_module_is_gone(record: Record, module: _Module) -> Iterator[InstallationFault]:
    """A fault where RECORD lists the module's `__init__.py`, which is known not to be found; and where RECORD cannot be read."""
    try:
        listed = read_file(record.folder / "RECORD", _MAX_RECORD_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        detail = f"not all in {record.folder} can be read (RECORD: {error.strerror})"
        yield InstallationFault("unreadable-metadata", record.name, detail, record.version)
        return
    if f"\n{module.name}/__init__.py,".encode() in b"\n" + listed:
        yield InstallationFault("half-uninstalled", record.name, f"{record.folder} records files that are not there", record.version)


def _shadows(name: str, record: Record, module: _Module, directory: Path) -> Iterator[InstallationFault]:
    """A module of the same name that `import` finds first: in the folder Python is started from, or earlier on the path."""
    home, found = record.folder.parent, module.location
    here = module_in(directory, module.name)
    if here is not None and not _same_folder(here.parent, home):
        yield InstallationFault("shadowed-module", name, f"{here} stands in the folder Python would be started from", record.version)
    if found is not None and module_in(home, module.name) is not None and not _same_folder(found.parent, home):
        yield InstallationFault("shadowed-module", name, f"{found} comes first on the module search path", record.version)


def _same_folder(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
