"""Writing fingerprint indexes, as `doctor.dating.fingerprints` describes and reads them."""

from __future__ import annotations

import ast
import io
import json
import struct
import zipfile
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.version import Version

from doctor.dating.fingerprints import GONE, RELEASES, FileState, Index, line_hash

States = dict[str, FileState]


def state_of(source: bytes) -> FileState:
    """The fingerprint of a source file. Raises `SyntaxError` for one in a Python newer than this one."""
    tree = ast.parse(source)
    definitions = [each for each in ast.walk(tree) if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    bodies = sorted((each.body[0].lineno, -(each.end_lineno or 0), each.name) for each in definitions)
    lines = source.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n")
    starts, ends = tuple(start for start, _, _ in bodies), tuple(-end for _, end, _ in bodies)
    return FileState(tuple(name for _, _, name in bodies), starts, ends, array("H", map(line_hash, lines)))


def encoded(states: Iterable[FileState | None]) -> bytes:
    """A file's history as its member of the index holds it; a state for each release, None where it has no such file."""
    content = bytearray()
    numbers: dict[object, int] = {}
    names: dict[str, int] = {}
    current = GONE
    for release, state in enumerate(states):
        key = (state.names, state.starts, state.ends, state.hashes.tobytes()) if state is not None else None
        number = GONE if key is None else numbers.get(key, len(numbers))
        if number == current:
            continue
        content += struct.pack("<HH", release, number)
        if state is not None and number == len(numbers):
            numbers[key] = number
            content += _encoded_state(state, names)
        current = number
    return bytes(content)


def _encoded_state(state: FileState, names: dict[str, int]) -> bytes:
    new = [name for name in dict.fromkeys(state.names) if name not in names]
    for name in new:
        names[name] = len(names)
    text = "\n".join(new).encode()
    functions = [
        number
        for name, before, start, end in zip(state.names, (0, *state.starts), state.starts, state.ends, strict=False)
        for number in (names[name], start - before, end - start + 1)
    ]
    parts = (struct.pack("<H", len(text)), text, _packed(len(state.names), functions), _packed(len(state.hashes), state.hashes))
    return b"".join(parts)


def _packed(count: int, numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<H{len(numbers)}H", count, *numbers)


def write_index(file: Path, releases: Mapping[str, States]) -> None:
    """Write an index, the same bytes for the same releases whatever there was before."""
    versions = sorted(releases, key=Version)
    paths = sorted({path for states in releases.values() for path in states})
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as members:
        members.writestr(_member(RELEASES), json.dumps(versions))
        for path in paths:
            members.writestr(_member(path), encoded(releases[version].get(path) for version in versions))
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_bytes(content.getvalue())
    partial.replace(file)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_LZMA
    member.create_system = 3
    return member


def read_index(file: Path) -> dict[str, States]:
    """What an index holds, by release; empty when there is no such file."""
    if not file.exists():
        return {}
    index = Index(file)
    releases: dict[str, States] = {version: {} for version in index.releases}
    for path in index.paths:
        history = index.history(path)
        for version, state in zip(index.releases, history.by_release, strict=True):
            if state is not None:
                releases[version][path] = history.states[state]
    return releases
