"""Bring the matrix to the newest releases: the list of releases, what the reproducers do on the new ones, and what that says of the ranges.

    python -m tools.follow_releases [PACKAGE ...] [--torch REQUIREMENT] [--python PYTHON] [--report FILE]

Asks the package index for every package the matrix covers, runs the reproducers on the releases that are newer than `checked_up_to`, and leaves
a change to review in data/: releases.json, evidence/runs.json, and of compat.yaml `checked_up_to` and the end of a range that a new release shows
it has. What a person has to decide (a problem that came back, a reproducer that cannot tell any more) is only reported. Exits with 1 where
something has to be decided. Fingerprints are brought up to date by tools/fingerprints.py, levels of evidence by tools/evidence_levels.py.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version
from pypi_simple import PyPISimple

from doctor.knowledge.evidence import FILE, Evidence, relevant_verdicts
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.knowledge.matrix_file import builtin_file, read_matrix
from doctor.reproduce import FOLDER, digest, reproducers
from tools.refresh_releases import final_releases
from tools.sweep import SINCE, companions, missing, read_evidence, say, sweep_release, with_observations, write_evidence


@dataclass(frozen=True)
class Data:
    """The files that are followed up."""

    matrix: Path
    releases: Path
    evidence: Path
    scripts: Path


@dataclass(frozen=True)
class Moved:
    """What a new release says of an advisory that the matrix does not."""

    advisory: str
    package: str
    release: Version
    says: str
    ends_here: bool
    """Whether the range that was open ends with this release; else a person has to look."""


BUILTIN = Data(builtin_file(), builtin_file().parent / "releases.json", FILE, FOLDER)


def newer_than_checked(matrix: Matrix, releases: Mapping[str, Mapping[str, str | None]], package: str) -> tuple[Version, ...]:
    """The releases of a package that were not yanked and are newer than what the matrix was checked up to, oldest first."""
    checked = matrix.packages[package].checked_up_to
    every = sorted(Version(version) for version, requires in releases[package].items() if requires is not None)
    return tuple(each for each in every if checked is None or each > checked)


def moved(advisories: Sequence[Advisory], evidence: Evidence, package: str, new: Sequence[Version]) -> list[Moved]:
    """Where the new releases deny what the matrix claims of them."""
    found = []
    for advisory in advisories:
        ranges = [each for affected in advisory.affected if affected.package == package for each in affected.ranges]
        verdicts = relevant_verdicts(advisory, package, evidence) if ranges else {}
        before = [verdict for version, verdict in verdicts.items() if new and version < new[0]]
        passed = False
        for release in (each for each in new if each in verdicts):
            claimed = any(release in each for each in ranges)
            if verdicts[release] == "reproduced" and (not claimed or passed):
                found.append(Moved(advisory.id, package, release, "it is back", ends_here=False))
            elif verdicts[release] == "not reproduced" and claimed and not passed:
                passed = True
                last = before[-1] if before else None
                ends = last == "reproduced" or any(verdicts.get(older) == "reproduced" for older in new if older < release)
                says = "it is gone" if ends else "it is not reproduced, and no release before was seen to fail"
                found.append(Moved(advisory.id, package, release, says, ends_here=ends))
            elif verdicts[release] == "not applicable" and claimed and not passed:
                found.append(Moved(advisory.id, package, release, "its reproducer does not apply any more", ends_here=False))
    return found


def with_ends(text: str, moves: Sequence[Moved]) -> str:
    """The matrix file with the open ranges ended that ended."""
    blocks = re.split(r"(?m)^(?=  - id: )", text)
    for each in (move for move in moves if move.ends_here):
        index = next(number for number, block in enumerate(blocks) if block.startswith(f"  - id: {each.advisory}\n"))
        head, package, ranges = blocks[index].partition(f"      - package: {each.package}\n")
        blocks[index] = head + package + ranges.replace("fixed: null", f'fixed: "{each.release}"', 1)
    return "".join(blocks)


def with_checked(text: str, package: str, release: Version) -> str:
    """The matrix file, checked up to `release` of a package."""
    return re.sub(rf'(?m)^(  {re.escape(package)}: \{{checked_up_to: )"[^"]+"', rf'\g<1>"{release}"', text, count=1)


def follow(
    data: Data, releases: Mapping[str, Mapping[str, str | None]], *, packages: Sequence[str], torch: str, python: str
) -> tuple[list[str], bool]:
    """Sweep what is new and write what it says; the report, and whether a person has something to decide."""
    lines: list[str] = []
    undecided = False
    data.releases.write_text(json.dumps({"packages": releases}, indent=1) + "\n", encoding="utf-8")
    for package in packages:
        matrix = read_matrix(data.matrix)
        new = newer_than_checked(matrix, releases, package)
        if not new:
            lines.append(f"{package}: nothing newer than {matrix.packages[package].checked_up_to}")
            continue
        evidence, why_not = _swept(data, matrix, package, new, torch=torch, python=python)
        moves = moved(matrix.advisories, evidence, package, new)
        text = with_ends(data.matrix.read_text("utf-8"), moves)
        run = [each for each in new if each not in why_not]
        if run:
            text = with_checked(text, package, run[-1])
        data.matrix.write_text(text, encoding="utf-8")
        lines.append(f"{package}: new are {', '.join(map(str, new))}")
        lines += [f"  {release}: {why}" for release, why in why_not.items()]
        lines += [f"  {each.advisory} on {each.release}: {each.says}{'; its range ends here' if each.ends_here else ''}" for each in moves]
        broken = untold(matrix, evidence, package, run)
        lines += [f"  {each}" for each in broken]
        undecided = undecided or bool(why_not or broken) or any(not each.ends_here for each in moves)
    return lines, undecided


def untold(matrix: Matrix, evidence: Evidence, package: str, new: Sequence[Version]) -> list[str]:
    """Reproducers that could not tell on a new release."""
    found = []
    for advisory in matrix.advisories:
        runs = evidence.runs.get(advisory.id, {}).get(package)
        for said, labels in runs.seen.items() if runs is not None else ():
            found += [f"{advisory.id} on {each}: {said}" for each in new if said.startswith("broken") and str(each) in labels]
    return found


def _swept(data: Data, matrix: Matrix, package: str, new: Sequence[Version], *, torch: str, python: str) -> tuple[Evidence, dict[Version, str]]:
    """The evidence with the new releases in it, and the releases that could not be run with the reason."""
    about = {each.id for each in matrix.advisories if any(affected.package == package for affected in each.affected)}
    scripts = {name: path for name, path in reproducers(data.scripts).items() if name in about}
    evidence, why_not = read_evidence(data.evidence), {}
    with tempfile.TemporaryDirectory() as scratch:
        for release in new:
            wanted = missing(evidence, package, str(release), scripts)
            requirements = [f"{package}=={release}", *(() if package == "torch" else (torch,)), *companions(package, release)]
            environment, seen = sweep_release(Path(scratch) / "venv", package, requirements, wanted, base=python)
            evidence = with_observations(evidence, package, str(release), environment, [(each, digest(scripts[each.id])) for each in seen])
            write_evidence(evidence, data.evidence)
            if environment.untestable is not None:
                why_not[release] = environment.untestable
            say(f"{package} {release}: {environment.untestable or f'{len(seen)} reproducers run'}")
    return evidence, why_not


def main(arguments: Sequence[str] | None = None, data: Data = BUILTIN) -> int:
    """Follow up; 1 where a person has something to decide."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"of {', '.join(SINCE)}; all when none is named")
    parser.add_argument("--torch", default="torch==2.13.0", metavar="REQUIREMENT", help="beside the other packages (default: %(default)s)")
    parser.add_argument("--python", default=sys.executable, metavar="PYTHON", help="the interpreter to run them in (default: this one)")
    parser.add_argument("--index", default="https://pypi.org/simple/", metavar="URL", help="the package index to ask (default: %(default)s)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what was found here as well")
    options = parser.parse_args(arguments)
    covered = {name for name, coverage in read_matrix(data.matrix).packages.items() if coverage.checked_up_to is not None}
    unknown = set(options.packages) - covered
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: the matrix does not cover it")
    with PyPISimple(options.index) as client:
        releases = {package: final_releases(client, package) for package in sorted(covered)}
    packages = options.packages or sorted(covered)
    lines, undecided = follow(data, releases, packages=packages, torch=options.torch, python=options.python)
    print("\n".join(lines))
    if options.report is not None:
        options.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(undecided)


if __name__ == "__main__":
    sys.exit(main())
