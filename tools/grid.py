"""Run the reproducers in pairs of releases of transformers and accelerate, old beside new: data/evidence/runs.json.

    python -m tools.grid [--pairs 4.57.6:1.2.1 ...] [--only MT050 ...] [--torch REQUIREMENT] [--python PYTHON]

A sweep goes through the releases of one package beside one release of the others. Whether a verdict depends on those is seen here: each pair is one
environment in which every reproducer about transformers, accelerate or torch runs once, and what it saw stands under the release of its own package
with the others named, `5.24.0 with accelerate==1.2.1`. What was run before is not run again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.version import Version

from doctor.knowledge.evidence import FILE
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reproduce import FOLDER, digest, reproducers
from tools.sweep import companions, ending_well, missing, named, read_evidence, say, sweep_release, with_observations, write_evidence

PACKAGES = ("torch", "transformers", "accelerate")


class Pair(NamedTuple):
    """Releases that are run beside each other."""

    transformers: str
    accelerate: str


GRID = tuple(
    Pair(transformers, accelerate)
    for transformers, others in {
        "4.36.2": ("0.26.1", "1.15.0"),
        "4.42.4": ("1.6.0",),
        "4.46.3": ("1.15.0",),
        "4.51.3": ("0.34.2", "1.15.0"),
        "4.57.6": ("0.26.1", "1.6.0"),
        "5.5.4": ("1.2.1", "1.15.0"),
        "5.24.0": ("1.2.1", "1.15.0"),
    }.items()
    for accelerate in others
)
"""Old beside old, old beside new, new beside old and new beside new, on either side of where most ranges begin and end."""


def requirements_of(pair: Pair, torch: Requirement) -> tuple[str, ...]:
    """An environment in which both run: what goes with either, but for the other."""
    beside = [*companions("transformers", Version(pair.transformers)), *companions("accelerate", Version(pair.accelerate))]
    others = dict.fromkeys(each for each in beside if named(each) not in PACKAGES)
    return (str(torch), f"transformers=={pair.transformers}", f"accelerate=={pair.accelerate}", *others)


def labels_of(pair: Pair, torch: Requirement) -> Mapping[str, str]:
    """By package, what the environment is called among those of its releases."""
    (pinned,) = torch.specifier
    return {
        "torch": f"{pinned.version} with transformers=={pair.transformers} with accelerate=={pair.accelerate}",
        "transformers": f"{pair.transformers} with accelerate=={pair.accelerate}",
        "accelerate": f"{pair.accelerate} with transformers=={pair.transformers}",
    }


def scripts_about(scripts: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
    """The reproducers by the package they are about."""
    about = {package: dict[str, Path]() for package in PACKAGES}
    for advisory in builtin_matrix().advisories:
        for package in {affected.package for affected in advisory.affected} & set(PACKAGES) if advisory.id in scripts else ():
            about[package][advisory.id] = scripts[advisory.id]
    return about


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the grid."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", nargs="+", type=lambda text: Pair(*text.split(":")), default=GRID, metavar="TRANSFORMERS:ACCELERATE")
    parser.add_argument("--only", nargs="+", metavar="ID")
    parser.add_argument("--torch", type=Requirement, default=Requirement("torch==2.13.0"), metavar="REQUIREMENT")
    parser.add_argument("--python", default=sys.executable, metavar="PYTHON", help="the interpreter to run them in (default: this one)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="reproducers side by side (default: %(default)s)")
    parser.add_argument("--scripts", type=Path, default=FOLDER, metavar="FOLDER", help="the reproducers (default: those of doctor)")
    parser.add_argument("--output", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    found = reproducers(options.scripts.resolve())
    about = scripts_about({name: path for name, path in found.items() if not options.only or name in options.only})
    with tempfile.TemporaryDirectory() as scratch:
        for pair in options.pairs:
            labels = labels_of(pair, options.torch)
            evidence = read_evidence(options.output)
            wanted = {package: missing(evidence, package, label, about[package]) for package, label in labels.items()}
            todo = {name: path for scripts in wanted.values() for name, path in scripts.items()}
            if not todo:
                continue
            requirements = requirements_of(pair, options.torch)
            environment, seen = sweep_release(Path(scratch) / "venv", "transformers", requirements, todo, jobs=options.jobs, base=options.python)
            for package, label in labels.items():
                own = [(each, digest(todo[each.id])) for each in seen if each.id in wanted[package]]
                evidence = with_observations(evidence, package, label, environment, own)
            write_evidence(evidence, options.output)
            counts = {verdict: sum(each.verdict == verdict for each in seen) for verdict in sorted({each.verdict for each in seen})}
            say(f"transformers {pair.transformers} with accelerate {pair.accelerate}: {environment.untestable or counts}")


if __name__ == "__main__":
    sys.exit(ending_well(main))
