"""Hold `doctor verify` against every silent advisory with a reproducer: docs/verify.md's table.

    python -m tools.verify_silent [--only MT016 ...] [--python PYTHON_OF_AN_ENVIRONMENT] [--home FOLDER]

For each advisory an affected and a fixed release, as the evidence has them, each in an environment made with uv; there the reproducer
runs, and what it made is inspected. On the affected release it must be found, on the fixed one nothing may be.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.version import Version

from doctor import probe
from doctor.diagnosis.diagnosis import diagnose
from doctor.diagnosis.finding import Finding
from doctor.diagnosis.inspected import exposed, found_as_is, with_advisories
from doctor.facts.inspection import Inspection
from doctor.knowledge.evidence import FILE, Evidence, release_of
from doctor.knowledge.matrix import Advisory
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import known_releases
from doctor.probe.child import INSIDE
from doctor.probe.verification import inspection_of
from doctor.reproduce import reproducers, shapes
from tools.sweep import companions, make_environment, read_evidence

_INNER = Path(__file__).parent / "inside" / "verify_silent.py"
_SECONDS = 1200


class Row(NamedTuple):
    """What came of one shape on one release."""

    advisory: str
    shape: str
    release: str
    verdict: str
    """The reproducer's."""
    found: tuple[str, ...]
    """Kinds of fault that were found."""
    named: bool
    """Whether the advisory was named at one of them."""
    said: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="ID")
    parser.add_argument("--package", metavar="NAME", help="only what lives in this package")
    parser.add_argument("--python", metavar="PYTHON", help="run all of them in this environment instead, as it is")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="where environments are made and kept (default: a temporary folder)")
    parser.add_argument("--base", default=sys.executable, metavar="PYTHON", help="what environments are made of (default: this one)")
    parser.add_argument("--torch", default="torch==2.13.0", metavar="REQUIREMENT")
    options = parser.parse_args(arguments)
    silent = [each for each in builtin_matrix().advisories if each.severity == "silent" and each.id in reproducers()]
    silent = [each for each in silent if not options.only or each.id in options.only]
    silent = [each for each in silent if options.package in (None, each.affected[0].package)]
    if options.python:
        _print(_rows(silent, options.python, "as it is"))
        return
    evidence = read_evidence(FILE)
    wanted: dict[tuple[str, str], list[Advisory]] = {}
    for advisory in silent:
        for release in _releases(advisory, evidence):
            wanted.setdefault((advisory.affected[0].package, release), []).append(advisory)
    with tempfile.TemporaryDirectory() as temporary:
        for (package, release), advisories in wanted.items():
            python, why = _environment(options.home or Path(temporary), package, release, options)
            if why:
                print(f"| {', '.join(each.id for each in advisories)} | | {package} {release} | cannot be installed: {why} | | | |", flush=True)
            else:
                _print(_rows(advisories, python, f"{package} {release}"))
            if options.home is None:
                shutil.rmtree(Path(temporary) / f"{package}-{release}", ignore_errors=True)


def _print(rows: Iterator[Row]) -> None:
    for row in rows:
        cells = (row.advisory, row.shape, row.release, row.verdict, ", ".join(row.found), "named" if row.named else "", row.said)
        print(f"| {' | '.join(cells)} |", flush=True)


def _releases(advisory: Advisory, evidence: Evidence) -> list[str]:
    """The newest release on which it was reproduced, and the oldest later one or newest earlier one on which it was not."""
    package = advisory.affected[0].package
    runs = evidence.runs.get(advisory.id, {}).get(package)
    if runs is None:
        return []
    by_verdict: dict[str, set[str]] = {"reproduced": set(), "not reproduced": set()}
    for said, labels in runs.seen.items():
        verdict = said.partition(":")[0].partition(" [")[0]
        if verdict in by_verdict and "[control]" not in said:
            by_verdict[verdict] |= {label for label in labels if "+" not in label and " " not in label}
    bad = sorted(by_verdict["reproduced"], key=release_of)
    good = sorted(by_verdict["not reproduced"] - by_verdict["reproduced"], key=release_of)
    later = [each for each in good if bad and release_of(each) > release_of(bad[-1])]
    earlier = [each for each in good if bad and release_of(each) < release_of(bad[0])]
    return [*bad[-1:], *(later[:1] or earlier[-1:])]


def _environment(home: Path, package: str, release: str, options: argparse.Namespace) -> tuple[str, str]:
    folder = home / f"{package}-{release}"
    python = folder / "bin" / "python"
    if not python.exists():
        why = make_environment(folder, [options.torch, f"{package}=={release}", *companions(package, Version(release))], options.base)
        if why is not None:
            return "", why
    return str(python), ""


def _rows(advisories: Sequence[Advisory], python: str, release: str) -> Iterator[Row]:
    scripts = {each.id: reproducers()[each.id] for each in advisories}
    parts = [(each, shape) for each in scripts for shape in list(shapes(scripts[each])) or [""]]
    for (advisory, shape), answer in zip(parts, _answers(python, [(scripts[each], shape) for each, shape in parts]), strict=False):
        inspections = [_advised(inspection_of(each["answer"]), python) for each in answer["models"]]
        kinds = tuple(dict.fromkeys(fault.kind for each in inspections for fault in each.faults))
        named = any(advisory in fault.advisories for each in inspections for fault in each.faults)
        told = [f"not told: {reason.reason}" for each in inspections for reason in each.not_told]
        if any(advisory in exposed(each, _findings(python), builtin_matrix()) for each in inspections):
            told.insert(0, "named for what is offloaded")
        said = "; ".join([*([answer["error"]] if answer.get("error") else []), *dict.fromkeys(told)])[:200]
        yield Row(advisory, shape, release, answer["verdict"], kinds, named, said or answer["detail"][:100])


def _answers(python: str, parts: Sequence[tuple[Path, str]]) -> Iterator[Any]:
    """Of each reproducer in its shape, in this order."""
    named = [f"{script}::{shape}" if shape else str(script) for script, shape in parts]
    done = subprocess.run(
        [python, "-B", "-W", "ignore", str(_INNER), str(INSIDE), *named],
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            said = json.loads(line)["said"]
            yield json.loads(said) if said else {"verdict": "broken", "detail": "the process died", "models": []}


def _advised(inspection: Inspection, python: str) -> Inspection:
    return with_advisories(inspection, _findings(python), builtin_matrix(), found_as_is(inspection))


@functools.cache
def _findings(python: str) -> tuple[Finding, ...]:
    matrix = builtin_matrix()
    return diagnose(probe.examine(python, probe.Interest.of(matrix), live=False), matrix, known_releases()).findings


if __name__ == "__main__":
    main()
