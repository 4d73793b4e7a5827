"""The front door: a text of whatever format in, a line at a time, and out comes the environment it states.

reader = EnvironmentReader("issue.txt")
for number, line in enumerate(cleaned(lines), 1):
    reader.feed(number, line)
environment = environment_of(reader.reading(), tuple(matrix.packages))
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from doctor.errors import DoctorError
from doctor.facts.environment import STACK, THIS_MACHINE, Disk, Distribution, Environment, Manager, Memory, Python, TorchRuntime, Unknown
from doctor.facts.frozen import Frozen, field, field_names, replace
from doctor.facts.observation import Observation
from doctor.facts.variables import loading_variables
from doctor.readers.attachment import MAX_CHARACTERS, environment_in_attachment, observations_in_attachment
from doctor.readers.labelled import LabelledReader
from doctor.readers.lines import MAX_LINE_CHARACTERS
from doctor.readers.listings import CondaFileReader, ListingReader
from doctor.readers.locks import LockReader
from doctor.readers.names import OF_A_PROJECT
from doctor.readers.paths import PathReader
from doctor.readers.prose import ProseReader
from doctor.readers.statements import IN_PROSE, Device, Ledger, Settled, Source, counted, settle
from doctor.readers.values import accelerator, distribution, drivers, number, platform_of, python_version, torch_runtime
from doctor.readers.variables import VariableReader

if TYPE_CHECKING:
    from doctor.readers.project_files import FileReader

CAN_BE_READ = (
    "`transformers env`, `accelerate env`, `hf env`, `diffusers-cli env`, collect_env, pip list, pip freeze, uv pip list, conda list, "
    "requirements.txt, pyproject.toml, pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock, pixi.lock, conda-lock.yml, environment.yml, "
    "Dockerfile, versions in prose, or a report of doctor's"
)
_BEGINNING, _WRITER = '"schema_version"', '"doctor_version"'
_WRITER_LINES = 6
"""Which doctor wrote a report stands in one of its first lines."""
_JSON_STARTS = ('"', "{", "}", "[", "]")
_NOT_STATED = "the text does not say"
_NO_VERSION = "the text does not state the version of"


class Reading(Frozen):
    """What a text states, settled fact by fact. Plain data."""

    name: str
    """The file's, for people."""
    packages: Mapping[str, Settled] = field(default_factory=dict)
    """By normalised name."""
    facts: Mapping[str, Settled] = field(default_factory=dict)
    """By dotted name: `python.version`, `platform`, `torch.cuda_available`, `variables.RANK`, …"""
    devices: tuple[Device, ...] = ()
    sources: tuple[Source, ...] = ()
    """The stretches of text that stated anything, in their order."""
    attached: Environment | None = None
    """When the text is a report of doctor's: the environment it was about. Then the text is not read otherwise."""
    observations: tuple[Observation, ...] = ()
    """When the text is a report of doctor's: what the reproducers saw there."""
    unread: tuple[Unknown, ...] = ()
    """What the text holds and could not be read."""

    @property
    def complete(self) -> bool:
        """Whether the text lists everything that is installed."""
        return any(each.complete for each in self.sources)

    @property
    def recognised(self) -> bool:
        """Whether it states anything of an environment beyond what paths give away."""
        return self.attached is not None or any(each.authority >= IN_PROSE for each in self.sources)

    @property
    def summary(self) -> str:
        """What was read, for the first line of a report: "issue.txt: a pip list (line 3)"."""
        if self.attached is not None:
            return f"{self.name}: a report of doctor's"
        own = os.path.basename(self.name)
        formats = [f"{each.format if each.format != own else f'{len(each.names)} packages'} (line {each.line})" for each in counted(self.sources)]
        if any(not each.format for each in self.sources):
            formats.append("versions mentioned in the text")
        shown = ", ".join(formats[:4]) + (f" and {len(formats) - 4} more" if len(formats) > 4 else "")
        return f"{self.name}: {shown or 'nothing of an environment'}"


def _reader_by_name(ledger: Ledger, name: str | None) -> FileReader | LockReader:
    """The reader that a file's name (without its folder) asks for; that of lock files also takes what of one stands in any text."""
    if name is None or re.fullmatch(OF_A_PROJECT, name) is None:
        return LockReader(ledger, name)
    from doctor.readers.project_files import project_file_reader

    return project_file_reader(ledger, name)


class EnvironmentReader:
    """Reads a text a line at a time, in memory that does not grow with it, but for the first 8 MiB of what may be a report of doctor's."""

    def __init__(self, name: str | None = None, packages: Collection[str] | None = None) -> None:
        """`name` is the file's, which tells some formats apart; `packages` are those whose versions are wanted (None: of all)."""
        self._name = name or "the text"
        base = os.path.basename(name) if name is not None else None
        self._ledger = Ledger(packages)
        self._lock = _reader_by_name(self._ledger, base)
        self._document: list[str] = []
        self._characters = 0
        self._brace = self._anything = False
        self._of_report = self._only_a_report = False
        self._unread: tuple[Unknown, ...] = ()
        self.attentive = False
        """Whether what the next line means depends on those before it."""
        self.state: object = None
        """What else it depends on, for as long as that stays the same."""
        self.repeats = False
        """Whether the last line was as good as one before, so that nothing would come of it once more."""
        self.goes_on: ListingReader | None = None
        """The reader that took the last line, which is to know of every line alike where it stood: its `last`."""
        self._claiming: object = None
        """The reader that took the last line."""
        self._conda, self._labelled = CondaFileReader(self._ledger, base), LabelledReader(self._ledger)
        self._listing, self._prose = ListingReader(self._ledger, base), ProseReader(self._ledger)
        # In this order: the first that knows a line claims it.
        self._readers = (self._lock, self._conda, self._labelled, self._listing, self._prose)
        self._beside = (PathReader(self._ledger), VariableReader(self._ledger))

    def feed(self, number: int, line: str) -> bool:
        """Take the next cleaned line (see `doctor.readers.lines`); `number` counts from 1. Raises `DoctorError` for a broken lock file.

        Returns whether anything came of it, or may come of it with what follows.
        """
        before, state, news, changes = self.attentive, self.state, self._ledger.news, self._ledger.changes
        self.goes_on, self.repeats = None, False
        self._keep(line)
        if self._of_report and line.lstrip()[:1] in _JSON_STARTS:
            self.attentive = self._characters < MAX_CHARACTERS
            return True
        line = line[:MAX_LINE_CHARACTERS]
        if self._lock.claims_all:
            return self._lock.feed(number, line)
        for reader in self._beside:
            reader.feed(number, line)
        claiming = next((each for each in self._readers if each.feed(number, line)), None)
        self._claiming = claiming
        self.goes_on = self._listing if claiming is self._listing else None
        self.state = self._listing.state, self._conda.state
        self.attentive = self._brace or 0 < self._characters < MAX_CHARACTERS or self._in_the_middle()
        quiet = claiming in (None, self._listing, self._conda) and self.state == state and not before and not self.attentive
        self.repeats = quiet and self._ledger.changes == changes
        return not quiet or self._ledger.news != news

    def skim(self, first: int, lines: Sequence[str]) -> Sequence[int]:
        """Which of many lines, not cleaned and the first numbered `first`, are still to be fed, from 0; the others were taken at once.

        To be asked when nobody but this reader saw anything in the line fed last: it sees to it that nobody would in those it takes.
        """
        if not (self._brace or self._document or _BEGINNING in "\n".join(lines)):
            if self._lock.claims_all or self._lock.attentive:
                return self._lock.skim(first, lines)
            if self._claiming is self._listing and not self.attentive:
                return self._listing.skim(first, lines)
            if self._claiming is self._conda and not self.attentive:
                return self._conda.skim(lines)
        return range(len(lines))

    def _in_the_middle(self) -> bool:
        return self._lock.attentive or self._labelled.attentive or self._prose.attentive

    @property
    def in_a_report(self) -> bool:
        """Whether the next line belongs to a report of doctor's, or may."""
        return 0 < self._characters < MAX_CHARACTERS and (self._of_report or len(self._document) < _WRITER_LINES)

    @property
    def only_a_lock(self) -> bool:
        """Whether the file's name says that it is a lock file, which holds no failures."""
        return self._lock.claims_all

    def _keep(self, line: str) -> None:
        """Keep what may be a report of doctor's, from the brace before its first key on."""
        if self._document:
            self._characters += len(line) + 1
            if self._characters < MAX_CHARACTERS:
                self._document.append(line)
        elif _BEGINNING in line:
            self._document = ["{", line] if self._brace else [line]
            self._characters = len(line) + 1
            self._only_a_report = not self._anything and line.lstrip(" {").startswith(_BEGINNING)
        if self._document and len(self._document) < _WRITER_LINES and _WRITER in line:
            self._of_report = True
        text = line.strip()
        self._brace = text == "{"
        self._anything = self._anything or (text != "" and not self._brace)

    def reading(self) -> Reading:
        """What was read; call it when the text has ended. Raises `DoctorError` for a broken lock file, or report of doctor's."""
        if self._document:
            document = "\n".join(self._document)
            attached = environment_in_attachment(document, self._name)
            if attached is not None:
                return Reading(self._name, attached=attached, observations=observations_in_attachment(document))
            if self._of_report:
                self._note_damage()
        self._lock.finish()
        ledger = self._ledger
        return Reading(self._name, settle(ledger.packages), settle(ledger.facts), tuple(ledger.devices), tuple(ledger.sources), unread=self._unread)

    def _note_damage(self) -> None:
        """A report that is not whole states nothing; what stands round it still does."""
        if self._only_a_report:
            raise DoctorError(f"{self._name}: a report of doctor's that is cut off or damaged: ask for the whole file")
        self._unread = (
            Unknown("report", f"{self._name} holds a report of doctor's that is cut off or damaged: the text round it was read", important=True),
        )


def environment_of(reading: Reading, packages: Collection[str]) -> Environment:
    """The environment a text states, as far as it goes, with those of `packages` that it names. What it does not say is unknown."""
    if reading.attached is not None:
        return replace(reading.attached, read_from=reading.summary)
    named = {name: reading.packages[name] for name in sorted(packages) if name in reading.packages}
    stated = {name: each for name, each in named.items() if not each.statement.absent}
    installed = {name: distribution(name, each) for name, each in stated.items()}
    facts = {fact: each.statement.value or "" for fact, each in reading.facts.items()}
    torch = torch_runtime(installed.get("torch"), facts)
    environment = Environment(
        python=Python(None, python_version(facts.get("python.version")), None, None, f"read from {reading.name}"),
        platform=platform_of(facts.get("platform", ""), facts.get("os", "")),
        packages=installed,
        memory=Memory(number(facts.get("memory.total")), None, None, None),
        disk=Disk(None, None),
        torch=torch,
        accelerators=tuple(accelerator(each, torch.hip_built is not None) for each in reading.devices),
        drivers=drivers(facts.get("drivers.nvidia", "")),
        variables=loading_variables({fact.partition(".")[2]: value for fact, value in facts.items() if fact.startswith("variables.")}, ()),
        manager=_manager(reading),
        partial=not reading.complete,
        absent=tuple(name for name, each in named.items() if each.statement.absent),
        variables_known=False,
        read_from=reading.summary,
        sources=_sources(reading, named, torch),
    )
    untold = (Unknown(fact, _NOT_STATED) for fact, value in _machine_facts(environment).items() if value is None)
    return replace(environment, unknown=(*reading.unread, *_contradicted(reading, named), *_unstated(reading, named, environment), *untold))


def _manager(reading: Reading) -> Manager:
    known = (Manager("uv-project"), Manager("poetry"), Manager("pdm"), Manager("pixi"), Manager("uv"))
    names: Mapping[str, Manager] = {each.name: each for each in known}
    managers = [names[each.manager] for each in reading.sources if each.manager is not None]
    return managers[0] if managers else Manager("pip")


# Where facts came from, and which are missing


def _sources(reading: Reading, named: Mapping[str, Settled], torch: TorchRuntime) -> dict[str, str]:
    """By dotted name: where each fact was read. That a package is not installed is a fact too."""
    sources = {}
    for name, each in named.items():
        key = f"packages.{name}.version" if each.statement.value is not None else f"packages.{name}"
        sources[key] = each.statement.where
    renamed = {"platform": "platform.system", "drivers.nvidia": "drivers"}
    for fact, each in reading.facts.items():
        if fact == "os" and "platform" in reading.facts:
            continue
        sources["platform.system" if fact == "os" else renamed.get(fact, fact)] = each.statement.where
    if reading.devices:
        sources["accelerators"] = reading.devices[0].source.at(reading.devices[0].line)
    derived = {"torch.version": "packages.torch.version", "torch.importable": "torch.cuda_available"}
    derived |= {
        fact: "packages.torch.version" for fact in ("torch.cuda_built", "torch.hip_built") if getattr(torch, fact.partition(".")[2]) is not None
    }
    return {**{fact: sources[origin] for fact, origin in derived.items() if origin in sources}, **sources}


def _contradicted(reading: Reading, named: Mapping[str, Settled]) -> Iterator[Unknown]:
    """Facts that the text states in two ways: which was taken, and where the other stands. Weighty where none is better than the other."""
    python = reading.facts.get("python.version")
    facts = {**{f"packages.{name}.version": each for name, each in named.items()}, **({"python.version": python} if python else {})}
    for fact, each in facts.items():
        if not each.against:
            continue
        taken = each.statement
        others = ", ".join(f"{other.said} ({other.where})" for other in each.against[:3])
        equal = any(other.source.authority == taken.source.authority for other in each.against)
        yield Unknown(fact, f"the text also says {others}; {taken.said} ({taken.where}) was taken", important=equal)


def _unstated(reading: Reading, named: Mapping[str, Settled], environment: Environment) -> Iterator[Unknown]:
    """Versions that the text does not state: of the packages that little can be said without, and of those it names."""
    for name, each in named.items():
        statement = each.statement
        if statement.value is None and not statement.absent:
            yield Unknown(f"packages.{name}.version", f"{statement.where} {statement.note or 'states none'}", important=name in STACK)
    for name in STACK:
        if environment.installed(name) is None:
            yield Unknown(f"packages.{name}.version", f"{_NO_VERSION} {name}", important=True)
    if environment.installed("torch") is False and "torch" not in environment.absent and environment.packages.keys() & {"transformers", "accelerate"}:
        reason = f"{reading.name} lists no torch: if it comes from elsewhere, nothing is known of it"
        yield Unknown("packages.torch", reason, important=True)


def _machine_facts(environment: Environment) -> dict[str, object]:
    """What a probe would find out beside versions; None where it is not known."""
    return {
        "python.version": environment.python.version,
        "platform.system": None if environment.platform.system == "unknown" else environment.platform.system,
        "torch.cuda_available": environment.torch.cuda_available,
        "accelerators": environment.accelerators or (None if environment.torch.cuda_available is not False else "none"),
        "drivers": environment.drivers or None,
        "memory.total": environment.memory.total,
        "disk.free": environment.disk.free,
        "variables": environment.variables or None,
    }


# Filled from here


def filled_from(environment: Environment, local: Environment) -> Environment:
    """What a text states, its gaps filled with what was found here (`--here`): stated facts win, and each fact says its source.

    A report of doctor's comes back as it is: what it does not say, its machine did not say.
    """
    if environment.python.executable is not None:
        return environment
    stated = {name: each for name, each in environment.packages.items() if each.version is not None}
    found = {name: each for name, each in local.packages.items() if name not in stated and environment.installed(name) is not False}
    differs = tuple(_differences(stated, local))
    other_torch = any(each.fact == "packages.torch.version" for each in differs)
    return replace(
        environment,
        python=replace(local.python, version=_fuller(environment.python.version, local.python.version)),
        platform=local.platform if environment.platform.system == "unknown" else environment.platform,
        packages={**environment.packages, **found},
        memory=replace(local.memory, total=environment.memory.total or local.memory.total),
        disk=local.disk,
        torch=environment.torch if other_torch else _torch_filled(environment.torch, local.torch),
        accelerators=environment.accelerators or local.accelerators,
        drivers=environment.drivers or local.drivers,
        variables={**local.variables, **environment.variables},
        requirements=local.requirements,
        faults=tuple(each for each in local.faults if not any(fact.fact == f"packages.{each.package}.version" for fact in differs)),
        unknown=(*(each for each in environment.unknown if not _answered(each, found, local)), *differs, *local.unknown),
        manager=local.manager,
        partial=False,
        variables_known=True,
        sources={**dict.fromkeys(_filled(environment, local, found), THIS_MACHINE), **environment.sources},
    )


def _fuller(stated: str | None, local: str | None) -> str | None:
    """What the text states, unless what is here says more of the same: `3.11.7` for `3.11`."""
    return local if stated is None or (local or "").startswith(f"{stated}.") else stated


def _answered(unknown: Unknown, found: Mapping[str, Distribution], local: Environment) -> bool:
    """Whether what the text does not say is known from here, or among what could not be had here either."""
    name = unknown.fact.removeprefix("packages.").removesuffix(".version")
    return unknown.reason == _NOT_STATED or name in found or (unknown.reason.startswith(_NO_VERSION) and name not in local.packages)


def _differences(stated: Mapping[str, Distribution], local: Environment) -> Iterator[Unknown]:
    """Where the text says otherwise than what is here: did it come from here?"""
    for name, each in stated.items():
        here = local.packages.get(name)
        if here is None or _public(here) != _public(each):
            found = f"has {here.version or 'an unknown version'}" if here is not None else "has none"
            yield Unknown(f"packages.{name}.version", f"the text says {each.version}, the environment examined {found}: the text was taken")


def _public(each: Distribution) -> str:
    return (each.version or "").partition("+")[0]


def _torch_filled(stated: TorchRuntime, local: TorchRuntime) -> TorchRuntime:
    """Fact by fact: what the text says, else what torch said here."""
    facts = {name: getattr(stated, name) for name in field_names(TorchRuntime)}
    return replace(local, **{name: value for name, value in facts.items() if value not in (None, ())})


def _filled(environment: Environment, local: Environment, found: Mapping[str, Distribution]) -> Iterator[str]:
    """The facts that were filled in here."""
    yield from (f"packages.{name}.version" for name in sorted(found))
    yield from ("python.executable", "python.prefix", "memory.available", "disk.free", "variables")
    stated = _machine_facts(environment)
    yield from (fact for fact, value in _machine_facts(local).items() if stated[fact] is None and value is not None)
