"""Break fixed releases again by hand, and see each reproducer fail for its own reason: data/evidence/mutations.json.

    python -m tools.mutations [ID ...] [--python PYTHON]

What is broken how stands in data/evidence/mutations.yaml. For each release one environment is made with uv, as tools/sweep.py makes it, and
removed after: the reproducer must pass there, fail while the edit is in place, and pass again without it. What was run before with the same
reproducer and the same edit is not run again. Ends with 1 where a reproducer does not do so: then it, or what is believed of the fix, is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import yaml
from packaging.version import Version

from doctor.facts.observation import CONTROL, Observation
from doctor.knowledge import schema
from doctor.knowledge.evidence import FILE as RUNS, Evidence
from doctor.reproduce import digest, reproducers, run_reproducers
from tools.sweep import companions, ending_well, installed, make_environment, named, read_evidence, said_of, say

MUTATIONS = RUNS.with_name("mutations.yaml")
RESULTS = RUNS.with_name("mutations.json")


@dataclass(frozen=True)
class Edit:
    """One place of an installed file."""

    file: str
    """Below site-packages."""
    before: str
    """Stands in the file once."""
    after: str
    """What takes its place."""


@dataclass(frozen=True)
class Mutation:
    """How a release that fixes a problem is broken again."""

    id: str
    """Of the advisory."""
    release: str
    """Package and version: `accelerate 1.15.0`."""
    affected: str
    """The label in runs.json of the last release of that package that has the problem."""
    reason: str
    """A regular expression, searched in what is said of every shape that fails, numbers read as `#`."""
    edits: tuple[Edit, ...]
    with_: tuple[str, ...] = ()
    """Requirements in place of the usual companions of that name."""

    @property
    def package(self) -> str:
        """What is edited."""
        return self.release.partition(" ")[0]

    @property
    def version(self) -> str:
        """Of the release that fixes it."""
        return self.release.partition(" ")[2]

    @property
    def digest(self) -> str:
        """Changes with anything of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Result:
    """What a reproducer did in a release that fixes its problem, without the edit and with it."""

    reproducer: str
    """Its digest (`doctor.reproduce.digest`) when it was run."""
    mutation: str
    """The digest of the mutation."""
    date: str
    """ISO 8601."""
    packages: Mapping[str, str]
    """What the environment held."""
    fixed: tuple[str, ...]
    """What was said without the edit, as runs.json has it, a line for each shape."""
    mutated: tuple[str, ...]
    """What was said with it."""
    restored: tuple[str, ...]
    """What was said after it was taken back."""


def known_mutations(file: Path = MUTATIONS) -> tuple[Mutation, ...]:
    """The mutations in a file. Raises ValueError where it is none."""
    data = yaml.safe_load(file.read_text("utf-8"))
    faults = list(schema.mismatches(tuple[Mutation, ...], data))
    if faults:
        raise ValueError("\n".join(f"{file.name}: {schema.dotted(each.path)}: {each.message}" for each in faults))
    found: tuple[Mutation, ...] = schema.construct(tuple[Mutation, ...], data)
    return found


def known_results(file: Path = RESULTS) -> dict[str, Result]:
    """What was seen before, by advisory; nothing where there is no file."""
    data = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return {advisory: schema.construct(Result, each) for advisory, each in data.items()}


def write_results(results: Mapping[str, Result], file: Path = RESULTS) -> None:
    """A line for each advisory: a small change is a small diff."""
    rows = [f"{json.dumps(advisory)}: {json.dumps(schema.plain(results[advisory]))}" for advisory in sorted(results)]
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    unfinished.replace(file)


def doubts(mutation: Mutation, result: Result, evidence: Evidence) -> Iterator[str]:
    """Where a reproducer does not fail for its own reason, or fails without one."""
    runs = evidence.runs[mutation.id][mutation.package]
    if runs.reproducer != result.reproducer:
        yield "data/evidence/runs.json has it of another form of the reproducer"
    affected = [said for said, labels in runs.seen.items() if mutation.affected in labels]
    if not _failing(affected):
        yield f"it did not fail on {mutation.affected}"
    for where, said in (("fixed", result.fixed), ("restored", result.restored)):
        if not said or any(not each.startswith(("not reproduced", "not applicable")) for each in said) or not _passing(said):
            yield f"{where}: it does not pass: {'; '.join(said)}"
    for where, lines in ((f"on {mutation.affected}", affected), ("mutated", list(result.mutated))):
        for each in _failing(lines):
            if re.search(mutation.reason, each) is None:
                yield f"{where}: it fails for another reason: {each}"
    if not _failing(result.mutated):
        yield f"mutated: it does not fail: {'; '.join(result.mutated)}"
    yield from (f"mutated: {each}" for each in result.mutated if each.startswith(("broken", f"reproduced [{CONTROL}]")))


def _failing(said: Sequence[str]) -> list[str]:
    return [each for each in said if each.startswith("reproduced")]


def _passing(said: Sequence[str]) -> list[str]:
    return [each for each in said if each.startswith("not reproduced") and f"[{CONTROL}]" not in each]


@contextlib.contextmanager
def edited(packages: Path, edits: Sequence[Edit]) -> Iterator[None]:
    """The files below site-packages with the edits in place, each as it was afterwards. Raises ValueError where a text stands not once.

    A file is replaced, never written into: uv may have linked it to its cache.
    """
    changed: dict[Path, str] = {}
    for edit in edits:
        file = packages / edit.file
        text = changed.get(file) or file.read_text("utf-8")
        if text.count(edit.before) != 1:
            raise ValueError(f"{edit.file}: stands there {text.count(edit.before)} times: {edit.before}")
        changed[file] = text.replace(edit.before, edit.after)
    kept = {file: file.with_name(f"{file.name}.kept") for file in changed}
    try:
        for file, text in changed.items():
            os.replace(file, kept[file])
            file.write_text(text, encoding="utf-8")
        yield
    finally:
        for file, original in kept.items():
            if original.exists():
                os.replace(original, file)


def run_release(home: Path, mutations: Sequence[Mutation], python: str) -> Iterator[tuple[Mutation, Result | str]]:
    """Each mutation of one release with what was seen, or why nothing could be."""
    first = mutations[0]
    others = [each for each in companions(first.package, Version(first.version)) if named(each) not in map(named, first.with_)]
    torch = () if first.package == "torch" else ("torch==2.13.0",)
    why = make_environment(home, [*torch, f"{first.package}=={first.version}", *first.with_, *others], python)
    if why is not None:
        yield from ((each, f"{first.release}: cannot be installed: {why}") for each in mutations)
        return
    interpreter = home / "bin" / "python"
    packages = installed(interpreter)
    (site,) = (home / "lib").glob("python*/site-packages")
    scripts = reproducers()

    def seen(ids: Sequence[str]) -> dict[str, Observation]:
        return {each.id: each for each in run_reproducers(str(interpreter), [scripts[each] for each in ids]).observations}

    ids = [each.id for each in mutations]
    before, changed = seen(ids), {}
    for each in mutations:
        with edited(site, each.edits):
            changed[each.id] = seen([each.id])[each.id]
    after = seen(ids)
    today = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
    for each in mutations:
        lines = [tuple(said_of(observed[each.id])) for observed in (before, changed, after)]
        yield each, Result(digest(scripts[each.id]), each.digest, today, packages, *lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is new."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", metavar="ID")
    parser.add_argument("--python", default=sys.executable, metavar="PYTHON", help="the interpreter to run them in (default: this one)")
    options = parser.parse_args(arguments)
    mutations, results, evidence = known_mutations(), known_results(), read_evidence(RUNS)
    scripts, wrong = reproducers(), 0
    results = {each.id: results[each.id] for each in mutations if each.id in results}

    def is_new(each: Mutation) -> bool:
        before = results.get(each.id)
        return before is None or (before.reproducer, before.mutation) != (digest(scripts[each.id]), each.digest)

    todo = [each for each in mutations if (each.id in options.ids if options.ids else is_new(each))]
    groups = [list(group) for _, group in groupby(sorted(todo, key=_environment), key=_environment)]
    say(f"{len(todo)} mutations in {len(groups)} environments")
    with tempfile.TemporaryDirectory() as scratch:
        for group in groups:
            for mutation, result in run_release(Path(scratch) / "env", group, options.python):
                found = [result] if isinstance(result, str) else list(doubts(mutation, result, evidence))
                if not isinstance(result, str):
                    results[mutation.id] = result
                    write_results(results)
                wrong += bool(found)
                say(f"{mutation.id} {mutation.release}: {'; '.join(found) or 'passes, fails for its reason with the edit, passes again'}")
    return 1 if wrong else 0


def _environment(each: Mutation) -> tuple[str, tuple[str, ...]]:
    return each.release, each.with_


if __name__ == "__main__":
    sys.exit(ending_well(main))
