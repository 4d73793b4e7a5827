"""Run the reproducers on every release: data/evidence/runs.json.

    python tools/sweep.py PACKAGE [--only MT050 ...] [--releases 1.5.2 ...] [--with REQUIREMENT ...] [--without PACKAGE ...]
        [--torch REQUIREMENT] [--python PYTHON]

One environment, made with uv, changed from release to release and removed after; the neighbours of the boundaries the matrix claims first, then the
newest patch release of each minor version, then the rest. What was run before with the same reproducer is not run again: an interrupted sweep goes
on where it stopped, and a new release costs one environment. Where the index serves CUDA builds of torch, UV_TORCH_BACKEND=cpu saves several
gigabytes. transformers before 4.23 needs --python python3.8 --torch torch==1.12.1: newer Pythons have no tokenizers for it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from doctor.facts.observation import Observation
from doctor.knowledge import schema
from doctor.knowledge.evidence import FILE, Evidence, Runs, SweptEnvironment, release_of
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import known_releases
from doctor.reproduce import FOLDER, digest, reproducers, run_reproducers

SINCE = {
    "torch": "2.0.1",
    "transformers": "4.30.0",
    "accelerate": "0.10.0",
    "diffusers": "0.30.0",
    "peft": "0.8.0",
    "sentence-transformers": "2.7.0",
}
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)*(?:e[+-]?\d+)?")
PLACE = re.compile(r"(?:https?://|(?<![\w./:])/(?=[\w.+-]+/))[^\s'\"`,;)]+")
"""An address, or an absolute path of two parts or more: it says where the sweep ran, not what was seen."""
USUAL_SECONDS = 20
"""Measured, of one environment with all its reproducers, on two cores; for the estimate before the first has ended."""
LOOKED_AT = (
    "torch",
    "transformers",
    "accelerate",
    "diffusers",
    "peft",
    "sentence-transformers",
    "numpy",
    "setuptools",
    "tokenizers",
    "huggingface-hub",
    "safetensors",
)


class Companions(NamedTuple):
    """What goes with the releases from `since` on."""

    since: str
    requirements: tuple[str, ...]


COMPANIONS = {
    "torch": (
        Companions("2.6.0", ("transformers==5.24.0", "accelerate==1.15.0")),
        Companions("2.3.0", ("transformers==4.49.0", "accelerate==1.10.1")),
        Companions("0", ("transformers==4.49.0", "accelerate==1.10.1", "numpy<2")),
    ),
    "transformers": (
        Companions("4.46.0", ("accelerate==1.10.1",)),
        Companions("4.45.0", ("accelerate==1.10.1", "numpy<2")),
        Companions("4.40.0", ("accelerate==0.31.0", "numpy<2")),
        Companions("4.36.0", ("accelerate==0.31.0", "numpy<2", "setuptools<80")),
        Companions("4.30.0", ("accelerate==0.21.0", "numpy<2", "setuptools<80")),
        Companions("0", ("accelerate==0.21.0", "numpy<2", "setuptools<80", "safetensors")),
    ),
    "accelerate": (
        Companions("0.34.0", ("transformers==4.57.6",)),
        Companions("0.26.0", ("transformers==4.57.6", "numpy<2")),
        Companions("0.21.0", ("transformers==4.36.2", "numpy<2")),
        Companions("0", ("transformers==4.30.2", "numpy<2", "setuptools<80")),
    ),
    "diffusers": (
        Companions("0.40.0", ("transformers==5.24.0", "accelerate==1.10.1")),
        Companions("0", ("transformers==4.57.6", "accelerate==1.10.1")),
    ),
    "peft": (Companions("0", ("transformers==4.57.6", "accelerate==1.10.1")),),
    "sentence-transformers": (
        Companions("6.0.0", ("transformers==5.13.0", "accelerate==1.10.1")),
        Companions("0", ("transformers==4.57.6", "accelerate==1.10.1")),
    ),
}


def companions(package: str, version: Version) -> tuple[str, ...]:
    """The requirements that make an environment in which this release runs."""
    return next(each.requirements for each in COMPANIONS[package] if version >= Version(each.since))


def in_order_of_news(versions: Sequence[Version], boundaries: Iterable[Version]) -> list[Version]:
    """The neighbours of boundaries first, then the newest patch of each minor version, then the rest; newest first."""
    claimed = list(boundaries)
    neighbours = [each for pair in pairwise(versions) if any(pair[0] < boundary <= pair[1] for boundary in claimed) for each in pair]
    last = {version.release[:2]: version for version in versions}
    return list(dict.fromkeys([*sorted(neighbours, reverse=True), *reversed(list(last.values())), *reversed(versions)]))


def claimed_boundaries(package: str) -> Iterator[Version]:
    """Where the matrix says that something begins or ends in this package."""
    for advisory in builtin_matrix().advisories:
        for bounds in (each for affected in advisory.affected if affected.package == package for each in affected.ranges):
            yield from (boundary for boundary in (bounds.introduced, bounds.fixed) if boundary is not None)


def read_evidence(file: Path) -> Evidence:
    """The evidence so far; none when there is no file yet."""
    if not file.exists():
        return Evidence(1, {}, {})
    evidence: Evidence = schema.construct(Evidence, json.loads(file.read_text("utf-8")))
    return evidence


def missing(evidence: Evidence, package: str, label: str, scripts: Mapping[str, Path]) -> dict[str, Path]:
    """The reproducers not run in this environment in their present form. An environment that could not be made is tried again."""
    todo = {}
    for advisory_id, script in scripts.items():
        runs = evidence.runs.get(advisory_id, {}).get(package)
        known = runs is not None and runs.reproducer == digest(script) and any(label in labels for labels in runs.seen.values())
        if not known:
            todo[advisory_id] = script
    return todo


def with_observations(
    evidence: Evidence, package: str, label: str, environment: SweptEnvironment, seen: Iterable[tuple[Observation, str]]
) -> Evidence:
    """`evidence` with what was seen in one environment, each observation with the digest of its reproducer; older ones are replaced.

    What ran before is not untestable because the index cannot be reached today, and what still is says nothing new.
    """
    known = evidence.environments.get(package, {}).get(label)
    if environment.untestable is not None and known is not None and known.untestable in (None, environment.untestable):
        return evidence
    runs = {advisory_id: dict(packages) for advisory_id, packages in evidence.runs.items()}
    for observation, reproducer in seen:
        before = runs.setdefault(observation.id, {}).get(package)
        kept = dict(before.seen) if before is not None and before.reproducer == reproducer else {}
        kept = {said: tuple(each for each in labels if each != label) for said, labels in kept.items()}
        for said in said_of(observation):
            kept[said] = tuple(sorted({*kept.get(said, ()), label}, key=_in_order))
        runs[observation.id][package] = Runs(reproducer, {said: labels for said, labels in kept.items() if labels})
    environments = {name: dict(labels) for name, labels in evidence.environments.items()}
    environments.setdefault(package, {})[label] = environment
    return replace(evidence, environments=environments, runs=runs)


def said_of(observation: Observation) -> Iterator[str]:
    """What runs.json has of an observation: a line for each shape, with what is of one run taken out."""
    lines = [(f"{each.verdict} [{each.shape}]", each.detail) for each in observation.shapes] or [(observation.verdict, observation.detail)]
    for verdict, detail in lines:
        yield f"{verdict}: {NUMBER.sub('#', PLACE.sub('(place)', detail))}"


def _in_order(label: str) -> tuple[Version, str]:
    return release_of(label), label


def as_text(evidence: Evidence) -> str:
    """The evidence as JSON with a line for each thing that changes alone, sorted: a small change is a small diff."""
    lines = ['{"schema_version": 1,', '"environments": {']
    for package, labels in sorted(evidence.environments.items()):
        rows = [f"  {json.dumps(label)}: {_line(labels[label])}" for label in sorted(labels, key=_in_order)]
        lines.append(f" {json.dumps(package)}: {{\n" + ",\n".join(rows) + "},")
    lines[-1] = lines[-1].rstrip(",") + "},"
    lines.append('"runs": {')
    for advisory_id, packages in sorted(evidence.runs.items()):
        for package, runs in sorted(packages.items()):
            rows = [f"   {json.dumps(said)}: {json.dumps(list(runs.seen[said]))}" for said in sorted(runs.seen)]
            head = f' {json.dumps(advisory_id)}: {{{json.dumps(package)}: {{"reproducer": {json.dumps(runs.reproducer)}, "seen": {{'
            lines.append(head + "\n" + ",\n".join(rows) + "}}},")
    lines[-1] = lines[-1].rstrip(",") + "}}"
    return "\n".join(lines) + "\n"


def _line(environment: SweptEnvironment) -> str:
    return json.dumps(schema.plain(environment), sort_keys=True)


def write_evidence(evidence: Evidence, file: Path) -> None:
    """Replace the file whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(as_text(evidence), encoding="utf-8")
    unfinished.replace(file)


def make_environment(home: Path, requirements: Sequence[str], python: str, without: Sequence[str] = ()) -> str | None:
    """Give the venv at `home` these `requirements` and nothing else, and take `without` out of it; why it could not be, None when it could.

    One there is changed, which leaves torch and its bytecode as they are: reproducers run without writing any, and most of their time
    went into compiling.
    """
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if not home.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", python, home], check=True)
    install = [uv, "pip", "install", "--quiet", "--exact", "--compile-bytecode", "--python", str(home / "bin" / "python"), *requirements]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode == 0 and without:
        subprocess.run([uv, "pip", "uninstall", "--quiet", "--python", home / "bin" / "python", *without], check=True)
    return PLACE.sub("(place)", " ".join(done.stderr.split()))[:200] if done.returncode else None


def installed(python: Path) -> dict[str, str]:
    """The versions of what reproducers look at."""
    code = "import importlib.metadata as m, json; print(json.dumps({d.metadata['Name']: d.version for d in m.distributions()}))"
    versions = json.loads(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout)
    normalised = {str(canonicalize_name(name)): version for name, version in versions.items()}
    return {name: normalised[name] for name in LOOKED_AT if name in normalised}


def release_of_python(python: Path) -> str:
    """`3.11.7`."""
    code = "import platform; print(platform.python_version())"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def sweep_release(
    home: Path,
    package: str,
    requirements: Sequence[str],
    scripts: Mapping[str, Path],
    *,
    without: Sequence[str] = (),
    jobs: int = 1,
    base: str = sys.executable,
) -> tuple[SweptEnvironment, list[Observation]]:
    """Make the environment of one release on the interpreter `base` and run the reproducers in it."""
    why = make_environment(home, requirements, base, without)
    python = home / "bin" / "python"
    today = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
    running = release_of_python(python)
    if why is not None:
        return SweptEnvironment(today, running, {}, f"cannot be installed: {why}"), []
    packages = installed(python)
    observed = run_reproducers(str(python), list(scripts.values()), jobs=jobs)
    if package in observed.import_errors and not any(each.verdict == "reproduced" for each in observed.observations):
        error = PLACE.sub("(place)", observed.import_errors[package])
        return SweptEnvironment(today, running, packages, f"cannot be imported: {error}"), []
    return SweptEnvironment(today, running, packages, None), list(observed.observations)


def main(arguments: Sequence[str] | None = None) -> None:
    """Sweep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", choices=tuple(SINCE))
    parser.add_argument("--only", nargs="+", metavar="ID")
    parser.add_argument("--releases", nargs="+", type=Version, metavar="VERSION")
    parser.add_argument("--with", nargs="+", default=[], metavar="REQUIREMENT", dest="others", help="instead of the usual companions of that name")
    parser.add_argument("--without", nargs="+", default=[], metavar="PACKAGE", help="taken out after what requires it was installed")
    parser.add_argument("--torch", default="torch==2.13.0", metavar="REQUIREMENT")
    parser.add_argument("--python", default=sys.executable, metavar="PYTHON", help="the interpreter to run them in (default: this one)")
    parser.add_argument("--scripts", type=Path, default=FOLDER, metavar="FOLDER", help="the reproducers (default: those of doctor)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="reproducers side by side (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    package: str = options.package
    about = {each.id for each in builtin_matrix().advisories if any(affected.package == package for affected in each.affected)}
    found = reproducers(options.scripts.resolve())
    scripts = {name: path for name, path in found.items() if name in about and (not options.only or name in options.only)}
    every = [each.version for each in known_releases()[package] if not each.yanked and each.version >= Version(SINCE[package])]
    evidence = read_evidence(options.output)
    apart = "".join(f" without {each}" for each in options.without)
    labels = [
        " with ".join((str(each), *options.others)) + apart for each in options.releases or in_order_of_news(every, claimed_boundaries(package))
    ]
    todo = [label for label in labels if missing(evidence, package, label, scripts)]
    say(f"{len(todo)} of {len(labels)} environments to make, up to {len(scripts)} reproducers each; about {USUAL_SECONDS * len(todo) / 60:.0f} min")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        for number, label in enumerate(todo, 1):
            wanted = missing(evidence, package, label, scripts)
            chosen = (f"{package}=={release_of(label)}", *options.others)
            usual = [each for each in (options.torch, *companions(package, release_of(label))) if named(each) not in map(named, chosen)]
            requirements = [*chosen, *usual]
            environment, seen = sweep_release(
                Path(scratch) / "venv", package, requirements, wanted, without=options.without, jobs=options.jobs, base=options.python
            )
            evidence = with_observations(evidence, package, label, environment, [(each, digest(scripts[each.id])) for each in seen])
            write_evidence(evidence, options.output)
            mean = (time.monotonic() - started) / number
            counts = {verdict: sum(each.verdict == verdict for each in seen) for verdict in {each.verdict for each in seen}}
            say(f"{number}/{len(todo)} {package} {label}: {environment.untestable or counts}; {mean * (len(todo) - number) / 60:.0f} min left")


def named(requirement: str) -> str:
    """What it requires."""
    return Requirement(requirement).name


def say(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)


def ending_well(main: Callable[[], int | None]) -> int | None:
    """The exit code of a long run, which Ctrl-C or SIGTERM ends with what it made taken away.

    In the background Ctrl-C does not arrive, and an unhandled SIGTERM would leave the environment and what runs in it.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return main()
    except KeyboardInterrupt:
        say("interrupted; what is finished is written, and the same command goes on from there")
        return 130


if __name__ == "__main__":
    sys.exit(ending_well(main))
