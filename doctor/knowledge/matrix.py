"""The matrix: known problems with the versions they live in. Types, version order, and what no schema can say about them.

Ranges are OSV's half-open events (https://ossf.github.io/osv-schema/), ordered by PEP 440. They are *not* PEP 440 specifiers:
`4.50.0.dev0` lies in [4.50.0.dev0, 4.50.0) although the specifier `<4.50.0` excludes it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from packaging.version import InvalidVersion, Version

from doctor.facts.frozen import Frozen, field, replace
from doctor.facts.inspection import FaultKind
from doctor.knowledge.cause import Cause, Observation, Sign
from doctor.knowledge.fact import Fact, answer_signs
from doctor.knowledge.family import FAMILY_KEYS, Advice, Family, Foreign, KnownMessage
from doctor.knowledge.schema import Mismatch, Path, Text
from doctor.knowledge.uses import Uses, uses_contradictions

Kind = Literal["bug", "misuse", "resource", "incompatibility"]
Severity = Literal["silent", "error", "warning"]

AdvisoryId = Annotated[str, Text(r"[A-Z]{2,8}\d{3,5}", 'an id such as "MT007"')]
Slug = Annotated[str, Text(r"[a-z0-9]+(-[a-z0-9]+)*", 'a slug such as "thread-race"')]
PackageName = Annotated[str, Text(r"[a-z0-9]+(-[a-z0-9]+)*", "a distribution name as PEP 503 normalises it")]
OneLine = Annotated[str, Text(r"\S(.*\S)?", "one line of text")]
Url = Annotated[str, Text(r"https://[^\s]+", "an https:// address")]
RequiresPython = Annotated[str, Text(r"[\w<>=!~.*, ]*", 'a set of PEP 440 specifiers such as ">=3.9", or nothing')]


MAX_VERSION_CHARACTERS = 200
"""No release has a longer one, and a number of thousands of digits is none that Python reads."""
_MAX_PATTERNS = 5000


@functools.lru_cache(maxsize=4096)
def parse_version(text: str) -> Version:
    """The PEP 440 version without its local part: `2.6.0+cu124` is 2.6.0. Raises `packaging.version.InvalidVersion`."""
    if len(text) > MAX_VERSION_CHARACTERS:
        raise InvalidVersion(f"longer than {MAX_VERSION_CHARACTERS} characters")
    return Version(text.partition("+")[0])


def normalised_name(name: str) -> str:
    """A distribution's name as PEP 503 normalises it. (`packaging.utils`, which has this too, imports much besides.)"""
    return re.sub(r"[-_.]+", "-", name).lower()


VersionText = Annotated[Version, Text(r"[^\s+]+", 'a PEP 440 version such as "4.50.0"', parse_version)]
ReleaseName = Annotated[str, Text(r"[^\s+]+", 'a PEP 440 version such as "4.50.0"', parse_version)]
"""A version that stands as a key, and stays text."""


class AffectedRange(Frozen):
    """[introduced, fixed) in PEP 440 order."""

    introduced: VersionText | None
    """None: from the first release on."""
    fixed: VersionText | None
    """None: no release fixes it."""

    def __contains__(self, version: Version) -> bool:
        return (self.introduced is None or self.introduced <= version) and (self.fixed is None or version < self.fixed)

    @property
    def holds_every_version(self) -> bool:
        """Whether it has neither beginning nor end, so that no version need be known."""
        return self.introduced is None and self.fixed is None


class PartlyAffected(AffectedRange):
    """Releases inside a range on which the problem shows in some of its shapes only."""

    shapes: tuple[OneLine, ...]
    """Those of the evidence's shapes in which it does."""
    only: OneLine
    """When that is, for people: ends the sentence `lib 2.0 has it only ...`."""


class Affected(Frozen):
    """One package, in the ranges where the problem lives."""

    package: PackageName
    ranges: tuple[AffectedRange, ...]
    """Oldest first; they do not overlap."""
    partly: tuple[PartlyAffected, ...] = ()
    """The parts of the ranges where not every shape of the problem shows."""


class PackageCondition(Frozen):
    """Another package that must be there (in a range), or must not."""

    package: PackageName
    ranges: tuple[AffectedRange, ...] | None = None
    """Its versions; None: any."""
    installed: bool | None = None
    """Whether it must be there; None where `ranges` say so."""


class When(Frozen):
    """Facts of the environment that must all hold for the problem to bite."""

    packages: tuple[PackageCondition, ...] = ()
    """Each of them as it says."""
    python: tuple[AffectedRange, ...] = ()
    """The interpreter's version, in any of the ranges; empty: any."""
    platform: tuple[Literal["linux", "darwin", "windows"], ...] = ()
    """Any of these; empty: all."""
    accelerator: tuple[Literal["cuda", "rocm", "mps", "xpu", "none"], ...] = ()
    """What torch can compute on, any of these; empty: whatever there is."""
    environment: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Variables that must be set, each to one of the values; no values means any."""


class Signature(Frozen):
    """How the problem shows."""

    exception: str | None
    """None when it is a warning or a log line."""
    message: OneLine | None
    """A literal part of the message; None when it is a name that differs each time."""
    frames: tuple[str, ...] = ()
    """Function names, outermost first."""


class Evidence(Frozen):
    """What the ranges rest on."""

    level: Literal["run", "controlled", "source", "reported"]
    """`run`: a reproducer of ours was seen to fail and to pass on releases; `controlled`: it failed on all, and the right way beside it
    passed there; `source`: the code of the releases was read; `reported`: none of these."""
    basis: OneLine
    shapes: tuple[OneLine, ...] = ()
    """The shapes of the problem that the reproducer was run in; a range holds where any of them fails. Empty where there is no reproducer."""


class Advisory(Frozen):
    """One known problem."""

    id: AdvisoryId
    slug: Slug
    title: OneLine
    kind: Kind
    """`bug`: a release fixes it or could; `misuse`: the caller's code has to change; `resource`: the model does not fit;
    `incompatibility`: versions that do not go together."""
    severity: Severity
    """`silent`: wrong weights without an error, the worst."""
    affected: tuple[Affected, ...]
    """Where it lives; any of them is enough."""
    trigger: OneLine
    """What sets it off, for people."""
    apis: tuple[OneLine, ...]
    """What it is about, for machines: dotted names."""
    signature: Signature | None
    """None when nothing is raised or said."""
    cause: OneLine
    workaround: OneLine | None
    """What to do without upgrading; None when nothing helps."""
    references: tuple[Url, ...]
    """Where it was reported, and what is known of it."""
    evidence: Evidence
    when: When = field(default_factory=When)
    uses: Uses | None = None
    """What a program has to do for it to bite; None in a matrix that does not say."""
    avoid: OneLine | None = None
    """Advice in circulation that makes it worse."""
    related: tuple[AdvisoryId, ...] = ()
    """Ids of others worth a look beside it."""
    leaves: tuple[FaultKind, ...] = ()
    """How a model that was loaded is wrong because of it, as `doctor verify` finds it; empty where nothing is to be seen in the model."""


class PackageCoverage(Frozen):
    """A package the matrix speaks of."""

    checked_up_to: VersionText | None
    """The newest release the advisories were checked against. None: no advisory is about this package; it is only listed."""
    releases: Mapping[ReleaseName, RequiresPython | None] = field(default_factory=dict)
    """Final releases, each with the Pythons it runs on; null: it was yanked. What a doctor that is older than the matrix may not know of; empty
    in the one doctor ships, which has its list beside it."""


class Matrix(Frozen):
    """The whole of a matrix file."""

    schema_version: Literal[1]
    """Of the file's own format."""
    version: OneLine
    packages: Mapping[PackageName, PackageCoverage]
    """The packages it speaks of, by name."""
    advisories: tuple[Advisory, ...]
    """The known problems."""
    causes: tuple[Cause, ...] = ()
    """What tells failures apart, for `doctor explain`."""
    observations: tuple[Observation, ...] = ()
    """What it is told by as well, with weights that were fitted."""
    family: Family = field(default_factory=Family)
    facts: tuple[Fact, ...] = ()
    """What a text rarely states, and tells causes apart."""
    messages: tuple[KnownMessage, ...] = ()
    """Messages that say too little by themselves."""
    advice: tuple[Advice, ...] = ()
    """The clearest first."""
    foreign: tuple[Foreign, ...] = ()
    """The first that fits is the one."""
    source: str = ""
    """Where it comes from, for people: `built in`, `updated from https://...`, or the name of a file."""
    unused: str | None = None
    """Why an update that is kept was not used although it should have been; None where none was passed over so."""

    beside_data = frozenset({"source", "unused"})

    def advisory(self, advisory_id: str) -> Advisory | None:
        """The advisory with this id or slug, None when there is none."""
        found = self._by_id.get(advisory_id)
        if found is not None:
            return found
        wanted = advisory_id.lower()
        return next((each for each in self.advisories if wanted in (each.id.lower(), each.slug)), None)

    @property
    def own_words(self) -> Iterator[str]:
        """What an explanation may say word by word."""
        for advisory in self.advisories:
            yield from (advisory.id, advisory.title, *advisory.references)
        for cause in self.causes:
            yield from (cause.name, cause.kind, cause.title, cause.remedy, cause.avoid or "", cause.settle, *cause.references)
            yield from (sign.says for sign in cause.signs)
        yield from (text for message in self.messages for text in (message.means, message.avoid or ""))
        for fact in self.facts:
            yield from (fact.ask, fact.run or "", *(text for answer in fact.answers for text in (answer.seen, answer.says)))
        yield from (each.says for each in self.observations)

    @functools.cached_property
    def answer_signs(self) -> Mapping[str, Mapping[str, Sign]]:
        """By the pattern of an answer about a fact, what it says of causes, by their names."""
        return answer_signs(self.facts)

    @functools.cached_property
    def _by_id(self) -> Mapping[str, Advisory]:
        return {each.id: each for each in self.advisories}


def joined(matrices: Sequence[Matrix]) -> Matrix:
    """Several matrices as one; of a package in several of them, the last coverage that says anything holds."""
    packages: dict[str, PackageCoverage] = {}
    for name, coverage in (each for matrix in matrices for each in matrix.packages.items()):
        if coverage.checked_up_to is not None or name not in packages:
            before = packages[name].releases if name in packages else {}
            packages[name] = replace(coverage, releases={**before, **coverage.releases})
    advisories = tuple(advisory for matrix in matrices for advisory in matrix.advisories)
    return replace(
        matrices[0],
        version="+".join(matrix.version for matrix in matrices),
        source=" + ".join(matrix.source for matrix in matrices),
        unused=next((matrix.unused for matrix in matrices if matrix.unused is not None), None),
        packages=packages,
        advisories=advisories,
        causes=tuple(cause for matrix in matrices for cause in matrix.causes),
        observations=tuple(each for matrix in matrices for each in matrix.observations),
        family=Family(*(tuple(each for matrix in matrices for each in getattr(matrix.family, key)) for key in FAMILY_KEYS)),
        facts=tuple({each.name: each for matrix in matrices for each in matrix.facts}.values()),
        messages=tuple(each for matrix in matrices for each in matrix.messages),
        advice=tuple(each for matrix in matrices for each in matrix.advice),
        foreign=tuple(each for matrix in matrices for each in matrix.foreign),
    )


def contradictions(matrix: Matrix) -> Iterator[Mismatch]:
    """What the schema cannot see: ranges that overlap or end before they begin, ids used twice, references to nothing."""
    yield from _repeated((advisory.id, ("advisories", position, "id")) for position, advisory in enumerate(matrix.advisories))
    yield from _repeated((advisory.slug, ("advisories", position, "slug")) for position, advisory in enumerate(matrix.advisories))
    ids = {advisory.id for advisory in matrix.advisories}
    for position, advisory in enumerate(matrix.advisories):
        here: Path = ("advisories", position)
        for index, related in enumerate(advisory.related):
            if related not in ids or related == advisory.id:
                yield Mismatch((*here, "related", index), f"{related} is not another advisory of this matrix")
        if not advisory.affected:
            yield Mismatch((*here, "affected"), "at least one package must be affected")
        if not advisory.apis:
            yield Mismatch((*here, "apis"), "at least one API name is needed")
        if not advisory.references:
            yield Mismatch((*here, "references"), "at least one reference is needed")
        yield from _affected_contradictions(advisory, matrix, here)
        if advisory.uses is not None:
            yield from uses_contradictions(advisory.uses, (*here, "uses"))
    yield from _repeated((cause.name, ("causes", position, "name")) for position, cause in enumerate(matrix.causes))
    if (
        sum(len(sign.text) + len(sign.without_text) + 1 for cause in matrix.causes for sign in cause.signs)
        + sum(len(each.text) for each in matrix.observations)
        > _MAX_PATTERNS
    ):
        yield Mismatch(("causes",), f"more than {_MAX_PATTERNS} patterns: too many to be looked for in a text")
        return
    yield from _repeated((each.name, ("messages", position, "name")) for position, each in enumerate(matrix.messages))
    yield from _repeated((each.name, ("foreign", position, "name")) for position, each in enumerate(matrix.foreign))
    from doctor.knowledge.cause_contradictions import explaining_contradictions

    yield from explaining_contradictions(
        causes=matrix.causes,
        observations=matrix.observations,
        family=matrix.family,
        facts=matrix.facts,
        messages=matrix.messages,
        advice=matrix.advice,
        foreign=matrix.foreign,
        ids=ids,
    )


def _affected_contradictions(advisory: Advisory, matrix: Matrix, here: Path) -> Iterator[Mismatch]:
    yield from _repeated((each.package, (*here, "affected", index, "package")) for index, each in enumerate(advisory.affected))
    for index, affected in enumerate(advisory.affected):
        place: Path = (*here, "affected", index)
        coverage = matrix.packages.get(affected.package)
        if coverage is None or coverage.checked_up_to is None:
            yield Mismatch((*place, "package"), f"packages.{affected.package}.checked_up_to must say up to which release this was checked")
        yield from _range_contradictions(affected.ranges, (*place, "ranges"))
        yield from _part_contradictions(advisory, affected, place)
    yield from _range_contradictions(advisory.when.python, (*here, "when", "python"), may_be_empty=True)
    for index, condition in enumerate(advisory.when.packages):
        place = (*here, "when", "packages", index)
        if condition.package not in matrix.packages:
            yield Mismatch((*place, "package"), f"{condition.package} is not under packages")
        if (condition.ranges is None) == (condition.installed is None):
            yield Mismatch(place, "needs either `ranges` or `installed`, not both")
        if condition.ranges is not None:
            yield from _range_contradictions(condition.ranges, (*place, "ranges"))


def _part_contradictions(advisory: Advisory, affected: Affected, place: Path) -> Iterator[Mismatch]:
    yield from _range_contradictions(affected.partly, (*place, "partly"), may_be_empty=True)
    for index, part in enumerate(affected.partly):
        if not any(_lies_within(part, each) for each in affected.ranges):
            yield Mismatch((*place, "partly", index), "lies in no range of this package")
        for number, shape in enumerate(part.shapes):
            if shape not in advisory.evidence.shapes:
                yield Mismatch((*place, "partly", index, "shapes", number), f"{shape} is not under evidence.shapes")


def _lies_within(part: AffectedRange, whole: AffectedRange) -> bool:
    begins = whole.introduced is None or (part.introduced is not None and whole.introduced <= part.introduced)
    ends = whole.fixed is None or (part.fixed is not None and part.fixed <= whole.fixed)
    return begins and ends


def _range_contradictions(ranges: Sequence[AffectedRange], here: Path, may_be_empty: bool = False) -> Iterator[Mismatch]:
    if not ranges and not may_be_empty:
        yield Mismatch(here, "at least one range is needed")
    for index, each in enumerate(ranges):
        if each.introduced is not None and each.fixed is not None and each.introduced >= each.fixed:
            yield Mismatch((*here, index), f"introduced {each.introduced} is not before fixed {each.fixed}")
        if index == 0:
            continue
        previous = ranges[index - 1]
        if previous.fixed is None or each.introduced is None or each.introduced < previous.fixed:
            yield Mismatch((*here, index), "overlaps the range before it, or stands before it")


def _repeated(named: Iterable[tuple[str, Path]]) -> Iterator[Mismatch]:
    seen: set[str] = set()
    for name, path in named:
        if name in seen:
            yield Mismatch(path, f"{name} is used twice")
        seen.add(name)
