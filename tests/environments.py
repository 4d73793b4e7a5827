"""Environments as plain data, for tests of the pure middle."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from doctor.facts.environment import Disk, Distribution, Environment, Memory, Platform, Python, TorchRuntime
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import builtin_matrix, parse_matrix
from doctor.readers.environments import EnvironmentReader, Reading, environment_of
from doctor.readers.lines import cleaned

CPU_TORCH = TorchRuntime(True, "2.13.0+cpu", cuda_available=False, mps_available=False, xpu_available=False)


def environment(python: str = "3.11.7", **versions: str | None) -> Environment:
    """An environment with these distributions (`_` for `-` in names); a version of None is one that could not be had."""
    packages = {}
    for key, version in versions.items():
        name = key.replace("_", "-")
        packages[name] = Distribution(name, version, "metadata" if version else "unknown")
    return Environment(
        python=Python("/home/ann/venv/bin/python", python, "CPython", "/home/ann/venv", "named with --python"),
        platform=Platform("linux", "6.1", "x86_64"),
        packages=packages,
        memory=Memory(16 * 1024**3, 8 * 1024**3, None, None),
        disk=Disk("/home/ann", 1024**3),
        torch=CPU_TORCH,
    )


def with_distribution(base: Environment, name: str, **changes: Any) -> Environment:
    """`base` with some facts of one of its distributions changed."""
    return replace(base, packages={**base.packages, name: replace(base.packages[name], **changes)})


def reading_of(text: str, name: str | None = None) -> Reading:
    """What a text states."""
    reader = EnvironmentReader(name)
    for number, line in enumerate(cleaned(text.split("\n")), 1):
        reader.feed(number, line)
    return reader.reading()


def stated(text: str, name: str | None = None) -> Environment:
    """The environment a text states, with the packages of the built-in matrix."""
    return environment_of(reading_of(text, name), _known_packages())


@functools.cache
def _known_packages() -> tuple[str, ...]:
    return tuple(builtin_matrix().packages)


def versions(here: Environment) -> dict[str, str | None]:
    """The versions of an environment's packages, by name."""
    return {name: each.version for name, each in here.packages.items()}


def matrix(*advisories: str, checked: str = '{torch: {checked_up_to: "2.9"}, lib: {checked_up_to: "9.0"}, dep: {checked_up_to: "9.0"}}') -> Matrix:
    """A matrix of advisories, each a line `ID kind severity package [introduced,fixed) ...`, with `-` for an open end; after `when`, YAML."""
    text = f"schema_version: 1\nversion: test\npackages: {checked}\nadvisories:{'' if advisories else ' []'}\n"
    for line in advisories:
        head, _, when = line.partition(" when ")
        advisory_id, kind, severity, package, *ranges = head.split()
        bounds = [each.strip("[)").split(",") for each in ranges]
        events = ", ".join(f"{{introduced: {_quoted(start)}, fixed: {_quoted(end)}}}" for start, end in bounds)
        text += f"""\
  - id: {advisory_id}
    slug: {advisory_id.lower()}
    title: the title of {advisory_id}
    kind: {kind}
    severity: {severity}
    affected: [{{package: {package}, ranges: [{events}]}}]
    trigger: the trigger of {advisory_id}
    apis: [lib.load]
    signature: null
    cause: a cause
    workaround: go round it
    references: [https://example.org/{advisory_id}]
    evidence: {{level: reported, basis: a test}}
"""
        if when:
            text += f"    when: {when}\n"
    return parse_matrix(text.encode(), "test")


def _quoted(version: str) -> str:
    return "null" if version == "-" else f'"{version}"'
