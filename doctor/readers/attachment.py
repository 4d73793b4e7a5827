"""Our own reports as a source: the environment in a JSON, Markdown or HTML report, the same as when it was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from packaging.version import InvalidVersion

from doctor.errors import DoctorError
from doctor.facts.environment import Environment, Unknown
from doctor.facts.frozen import replace
from doctor.facts.observation import Observation
from doctor.knowledge import schema
from doctor.knowledge.installation import KNOWN_FAULTS
from doctor.knowledge.matrix import MAX_VERSION_CHARACTERS, parse_version
from doctor.readers.embedded import embedded_report, read_json

SCHEMA_VERSIONS = (1, 2)
"""Between which the environment and the observations did not change."""
MAX_CHARACTERS = 8 * 1024 * 1024
_MOST_TOLD = 10
_MAX_SPECIFIER_CHARACTERS = 1000


def environment_in_attachment(text: str, name: str) -> Environment | None:
    """The environment of the report that `text` holds; None when it holds none of doctor's. Raises `DoctorError` for one that cannot be used.

    What a newer doctor wrote into it is read as far as it is understood here; the rest is said among what is unknown.
    """
    document = _document(text)
    if document is None:
        return None
    version, writer = document["schema_version"], document.get("doctor_version")
    if version not in SCHEMA_VERSIONS:
        raise DoctorError(
            f"{name}: a report of schema version {version!r:.20}, written by doctor {writer!r:.20}; this doctor reads "
            f"versions {' and '.join(map(str, SCHEMA_VERSIONS))}"
        )
    data = document.get("environment")
    left_out = list(_left_out(data, f"doctor {writer!r:.20}, which wrote the report"))
    for fault in chain(schema.mismatches(Environment, data), _out_of_bounds(data)):
        raise DoctorError(f"{name}: not a whole report of doctor's: {schema.dotted(('environment', *fault.path))}: {fault.message}")
    environment: Environment = schema.construct(Environment, data)
    # What a matrix did not cover is for the matrix in use to say again.
    kept = (each for each in environment.unknown if each.fact.partition(".")[0] != "findings")
    if len(left_out) > _MOST_TOLD:
        left_out[_MOST_TOLD:] = [Unknown("report", f"it holds {len(left_out) - _MOST_TOLD} more such words", important=True)]
    return replace(environment, unknown=(*kept, *left_out))


def observations_in_attachment(text: str) -> tuple[Observation, ...]:
    """What the reproducers saw of which a report tells; those that are not whole are left out."""
    data = (_document(text) or {}).get("observations")
    whole = [each for each in (data if isinstance(data, list) else ()) if not any(schema.mismatches(Observation, each))]
    return tuple(schema.construct(Observation, each) for each in whole)


def _document(text: str) -> dict[str, Any] | None:
    found = embedded_report(text)
    document = read_json(found) if found is not None else None
    return document if isinstance(document, dict) and "doctor_version" in document else None


# What a newer doctor says


def _left_out(data: Any, writer: str) -> Iterator[Unknown]:
    """Take out of `data` what this doctor does not know, a word or a key, where it can be done without; say what it was."""
    found = list(schema.mismatches(Environment, data))
    keys = [each.path for each in found if each.unknown_key]
    for path in keys:
        _remove(data, path)
    if keys:
        named = ", ".join(schema.dotted(path)[:80] for path in keys[:_MOST_TOLD]) + (" and others" if len(keys) > _MOST_TOLD else "")
        yield Unknown("report", f"{writer}, says more than this doctor knows of: {named}")
    words = [each for each in found if each.words and isinstance(_at(data, each.path), str)]
    for path, said in _words_left_out(data, words):
        yield Unknown(schema.dotted(path), f"{writer}, says {said!r:.40}, which this doctor does not know", important=True)
    yield from _unknown_faults(data, writer)


def _words_left_out(data: Any, words: Sequence[schema.Mismatch]) -> list[tuple[schema.Path, str]]:
    """Where a word stood, and which; it reads `unknown` now where that can be said, or is left out with the least that stands round it."""
    left_out, parts = [], dict[schema.Path, None]()
    for each in words:
        part = None if "unknown" in each.words else _least_part(each.path)
        if part is None and "unknown" not in each.words:
            continue
        left_out.append((each.path, _at(data, each.path)))
        if part is None:
            _at(data, each.path[:-1])[each.path[-1]] = "unknown"
        else:
            parts[part] = None
    for part in reversed(parts):  # of a list the last item first, so that the others keep their places
        if not any(part[:length] in parts for length in range(len(part))):
            _remove(data, part)
    return left_out


def _least_part(path: schema.Path) -> schema.Path | None:
    """The least part of an environment that stands round a word and can be left out; None when there is none."""
    parts = (path[:length] for length in range(len(path), 0, -1))
    return next((part for part in parts if schema.may_be_left_out(Environment, part)), None)


def _unknown_faults(data: Any, writer: str) -> Iterator[Unknown]:
    faults = data.get("faults") if isinstance(data, dict) else None
    for fault in list(faults) if isinstance(faults, list) else ():
        slug = fault.get("slug") if isinstance(fault, dict) else None
        if isinstance(slug, str) and isinstance(faults, list) and slug not in KNOWN_FAULTS:
            faults.remove(fault)
            reason = f"{writer}, found {slug!r:.60}, which this doctor does not know: {fault.get('detail')!s:.200}"
            yield Unknown(f"packages.{fault.get('package')!s:.60}", reason, important=True)


def _at(data: Any, path: schema.Path) -> Any:
    for step in path:
        data = data[step]
    return data


def _remove(data: Any, path: schema.Path) -> None:
    del _at(data, path[:-1])[path[-1]]


# What no environment has


def _out_of_bounds(data: Any) -> Iterator[schema.Mismatch]:
    """Figures and versions that have the right type, and cannot be true. `data` is known to have the shape of an `Environment`."""
    for place in (("memory",), ("disk",), *(("accelerators", number) for number in range(len(data.get("accelerators", ()))))):
        for key, value in _at(data, place).items():
            if isinstance(value, int) and value < 0:
                yield schema.Mismatch((*place, key), f"expected a number of bytes, found {schema.shown(value)}")
    versions: list[schema.Path] = [("python", "version")]
    versions += [
        ("packages", name, "candidates", number) for name, each in data["packages"].items() for number in range(len(each.get("candidates", ())))
    ]
    for path in versions:
        if (version := _at(data, path)) is not None and not _is_version(version):
            yield schema.Mismatch(path, f'expected a version such as "3.11.7", found {schema.shown(version)}')
    for name, each in data["packages"].items():
        if each["version"] is not None and len(each["version"]) > MAX_VERSION_CHARACTERS:
            yield schema.Mismatch(("packages", name, "version"), f"expected a version, found {schema.shown(each['version'])}")
    for number, each in enumerate(data.get("requirements", ())):
        if len(each["specifier"]) > _MAX_SPECIFIER_CHARACTERS:
            yield schema.Mismatch(("requirements", number, "specifier"), f"expected a specifier, found {schema.shown(each['specifier'])}")


def _is_version(text: str) -> bool:
    try:
        parse_version(text)
    except InvalidVersion:
        return False
    return True
