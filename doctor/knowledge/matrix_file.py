"""Finding, reading and validating matrix files, and the compiled copy of the built-in one that spares every start the YAML."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen, replace
from doctor.facts.sizes import size
from doctor.files import read_beginning
from doctor.knowledge import schema
from doctor.knowledge.matrix import Advisory, Matrix, When, contradictions, joined
from doctor.version import __version__

MAX_BYTES = 8 * 1024 * 1024
MOST_FAULTS = 100
"""So many are told of one by one; of the others only how many there are."""
_PACKAGE = Path(__file__).resolve().parents[1]
COMPILED = _PACKAGE / "compiled" / "compat.json"
BUILT_IN = "built in"
"""The source of the matrix doctor ships."""
_MATCHING = ("id", "slug", "kind", "severity", "affected", "when")
"""The keys of an advisory that say whether it holds."""
_EXPLAINING = ("causes", "family", "messages", "advice", "foreign")
"""The keys of a matrix that an examination does without."""


class Fault(Frozen):
    """One thing wrong in a matrix file."""

    line: int
    """From 1; 0 when the file as a whole is meant."""
    place: str
    """Dotted path in the file: `advisories[3].affected[0].ranges[1]`."""
    message: str


class MatrixFileError(DoctorError):
    """A matrix file that cannot be used, with its faults: all of them, or the first hundred and how many more there are."""

    def __init__(self, path: str, faults: Iterable[Fault], more: int = 0) -> None:
        self.path = path
        self.faults = tuple(sorted(set(faults), key=lambda each: (each.line, each.place, each.message)))
        if more:
            self.faults += (Fault(0, "", f"and {more} more"),)
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each fault."""
        return tuple(self._line(fault) for fault in self.faults)

    def _line(self, fault: Fault) -> str:
        where = f"{self.path}:{fault.line}" if fault.line else self.path
        return f"{where}: {fault.place}: {fault.message}" if fault.place else f"{where}: {fault.message}"


def builtin_file() -> Path:
    """`data/compat.yaml`: inside the installed package, or beside it in a source tree."""
    shipped = _PACKAGE / "data" / "compat.yaml"
    return shipped if shipped.exists() else _PACKAGE.parent / "data" / "compat.yaml"


def builtin_matrix(unused: str | None = None) -> Matrix:
    """The matrix doctor ships; `unused` says why an update is not used in its place. Raises `MatrixFileError` when the file was damaged."""
    path = builtin_file()
    content = read_content(path)
    compiled = compiled_matrix(content, source=BUILT_IN, unused=unused)
    return compiled or replace(parse_matrix(content, str(path)), source=BUILT_IN, unused=unused)


def read_matrix(path: Path) -> Matrix:
    """The matrix in a YAML file. Raises `MatrixFileError` with every fault of the file."""
    return replace(parse_matrix(read_content(path), str(path)), source=str(path))


def load_matrix(sources: Iterable[str] = ("builtin",)) -> Matrix:
    """The matrices named, as one; `builtin` is doctor's own: the one it ships or a newer one it was updated to. Raises `MatrixFileError`."""
    from doctor.knowledge.updates import own_matrix

    names = list(sources)
    if names == ["builtin"]:
        return own_matrix()
    matrix = joined([own_matrix() if name == "builtin" else read_matrix(Path(name)) for name in names])
    _refuse(" + ".join(names), contradictions(matrix))
    return matrix


def parse_matrix(content: bytes, name: str) -> Matrix:
    """The matrix in the bytes of a YAML file called `name`. Raises `MatrixFileError`."""
    from doctor.knowledge.yaml_reader import YamlFault, lines_of, read_yaml

    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MatrixFileError(name, [Fault(line, "", "not UTF-8 text: save the file as UTF-8")]) from None
    try:
        data = read_yaml(text)
    except YamlFault as fault:
        raise MatrixFileError(name, [Fault(fault.line, "", fault.message)]) from None
    later = data.get("schema_version") if isinstance(data, dict) else None
    if isinstance(later, int) and later > 1:
        raise MatrixFileError(name, [Fault(0, "schema_version", f"is {later}, written for a newer doctor: this one, {__version__}, reads 1")])
    _refuse(name, schema.mismatches(Matrix, data), lambda paths: lines_of(text, paths))
    matrix: Matrix = schema.construct(Matrix, data)
    _refuse(name, contradictions(matrix), lambda paths: lines_of(text, paths))
    return matrix


def _refuse(name: str, found: Iterable[schema.Mismatch], lines_of: Callable[[list[schema.Path]], dict[schema.Path, int]] | None = None) -> None:
    """Raise `MatrixFileError` when anything was found; `lines_of` says on which lines paths stand, where that can be said."""
    found = iter(found)
    first = list(islice(found, MOST_FAULTS))
    if not first:
        return
    more = sum(1 for _ in found)
    nowhere: dict[schema.Path, int] = {(): 0}
    lines = lines_of([each.path for each in first]) if lines_of is not None else nowhere
    raise MatrixFileError(name, [Fault(_line_of(each.path, lines), schema.dotted(each.path), each.message) for each in first], more)


def compile_matrix(content: bytes, name: str) -> str:
    """What `COMPILED` holds for this YAML: the same data as JSON, with what a start needs apart from what is read when it is asked for.

    The first line binds it to the YAML, the second holds the matrix as far as matching goes, the third what explaining needs, and of each
    advisory a line has the rest.
    """
    return compiled_from(parse_matrix(content, name), content)


def compiled_from(matrix: Matrix, content: bytes) -> str:
    """As `compile_matrix`, of a matrix that was parsed from this YAML."""
    whole = schema.plain(matrix)
    explaining = {key: whole.pop(key) for key in _EXPLAINING}
    rests = [{key: value for key, value in each.items() if key not in _MATCHING} for each in whole["advisories"]]
    whole["advisories"] = [{key: schema.plain(getattr(each, key), whole=False) for key in _MATCHING} for each in matrix.advisories]
    return "\n".join(json.dumps(each, separators=(",", ":")) for each in (fingerprint(content), whole, explaining, *rests))


def compiled_matrix(content: bytes, **beside: str | None) -> Matrix | None:
    """The compiled copy of exactly this YAML; None when there is none, as in a source tree whose YAML was edited.

    `beside` is what no file says of a matrix: its `source`, and what went `unused`.
    """
    try:
        lines = COMPILED.read_bytes().split(b"\n")
        return compiled_in(lines, **beside) if json.loads(lines[0]) == fingerprint(content) else None
    except (OSError, ValueError):
        return None


def compiled_in(lines: Sequence[bytes], **beside: str | None) -> Matrix | None:
    """The matrix in the lines that `compile_matrix` wrote, as `compiled_matrix` gives it; None when they are not such lines."""
    try:
        _, matching, explaining, *rests = lines
        known: dict[str, Any] = json.loads(matching)
        always = When()
        advisories = tuple(
            schema.construct_later(Advisory, each, rest) if each["when"] else schema.construct_later(Advisory, each, rest, when=always)
            for each, rest in zip(known.pop("advisories"), rests, strict=True)
        )
    except (ValueError, KeyError, TypeError):
        return None
    return schema.construct_later(Matrix, known, explaining, advisories=advisories, **{"source": "", "unused": None, **beside})


def fingerprint(content: bytes) -> list[int]:
    """Tells an edited file from the one that was compiled. (Importing hashlib takes longer than reading the matrix.)"""
    return [len(content), zlib.crc32(content)]


def read_content(path: Path) -> bytes:
    """The bytes of a matrix file. Raises `MatrixFileError` when it cannot be read, or is too large for one."""
    try:
        content = read_beginning(path, MAX_BYTES + 1)
    except OSError as error:
        raise MatrixFileError(str(path), [Fault(0, "", f"cannot be read: {error.strerror}")]) from None
    if len(content) > MAX_BYTES:
        raise MatrixFileError(str(path), [Fault(0, "", f"larger than {size(MAX_BYTES)}: not a matrix")])
    return content


def _line_of(path: schema.Path, lines: dict[schema.Path, int]) -> int:
    while path not in lines:
        path = path[:-1]
    return lines[path]
