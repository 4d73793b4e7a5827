"""The documents of `doctor matrix`, as types: their JSON Schemas are generated from these. Names here are a public promise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from doctor.knowledge.family import Advice
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.knowledge.uses import VOCABULARY, WordKind
from doctor.reports.document import MatrixSummary, SchemaVersion
from doctor.version import __version__


@dataclass(frozen=True)
class Listing:
    """`doctor matrix list --format json` and `doctor matrix show --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["listing"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix: Matrix
    exit_code: int
    """With which the command ended."""


@dataclass(frozen=True)
class VocabularyWord:
    """A word by which an advisory says what a program must do for it to bite."""

    word: str
    """As it stands in `uses` of the matrix."""
    kind: WordKind
    """Of what it is said: a `model`, a `class` that the program defines, what is `unseen` in any code, or so `rare` that it has to be seen."""
    meaning: str
    """What the code does; for an `unseen` or `rare` word, the question it leaves open."""
    advisories: tuple[str, ...]
    """Ids of the advisories that use it."""


@dataclass(frozen=True)
class VocabularyListing:
    """`doctor matrix vocabulary --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["vocabulary"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    words: tuple[VocabularyWord, ...]
    """Every word that `uses` may be written in."""


@dataclass(frozen=True)
class AdviceListing:
    """`doctor matrix advice --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["advice"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    words: tuple[str, ...]
    """What was asked for; empty: everything."""
    advice: tuple[Advice, ...]
    """Every advice in which all these words stand, in any case."""
    exit_code: int
    """With which the command ended: 0, or 1 where nothing was found."""


@dataclass(frozen=True)
class FaultLine:
    """One fault of a matrix file."""

    line: int
    """From 1; 0 when the file as a whole is meant."""
    place: str
    """Where in the file's data: `advisories[3].kind`."""
    message: str
    """What is wrong there."""


@dataclass(frozen=True)
class Validation:
    """`doctor matrix validate --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["validation"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    file: str
    """As given on the command line."""
    advisories: int | None
    """None when the file has faults."""
    faults: tuple[FaultLine, ...]
    """In the order of their lines; empty when the file is as it should be."""
    exit_code: int
    """With which the command ended."""


@dataclass(frozen=True)
class MatrixUpdate:
    """`doctor matrix update --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["matrix-update"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix: MatrixSummary
    """What is in use now."""
    before: MatrixSummary
    """What was in use before."""
    changed: bool
    """Whether that is another; a matrix that is no newer than the one in use is not taken."""
    sha256: str | None
    """The checksum that the file named was found to have; None with `--remove`."""
    exit_code: int
    """With which the command ended."""


def listing_of(matrix: Matrix, advisories: tuple[Advisory, ...]) -> Listing:
    """The listing of some of a matrix's advisories."""
    return Listing(2, "listing", __version__, replace(matrix, advisories=advisories), 0)


def vocabulary_of(matrix: Matrix) -> VocabularyListing:
    """The vocabulary of uses, and which advisories of a matrix use which word."""
    ways = [(each.id, {*way.all_, *way.without}) for each in matrix.advisories if each.uses is not None for way in each.uses.any_]
    used = {word: tuple(dict.fromkeys(advisory for advisory, words in ways if word in words)) for word in VOCABULARY}
    words = tuple(VocabularyWord(name, word.kind, word.meaning, used[name]) for name, word in VOCABULARY.items())
    return VocabularyListing(2, "vocabulary", __version__, words)


def advice_listing_of(matrix: Matrix, words: tuple[str, ...]) -> AdviceListing:
    """The wrong advice of a matrix that all these words stand in."""
    found = tuple(each for each in matrix.advice if all(word.lower() in _text_of(each) for word in words))
    return AdviceListing(2, "advice", __version__, words, found, 0 if found else 1)


def _text_of(advice: Advice) -> str:
    return " ".join((advice.name, advice.advised, advice.wrong, advice.instead, *advice.advisories)).lower()
