"""The matrix for a person at a terminal."""

from __future__ import annotations

import itertools

from rich.console import Console
from rich.table import Table
from rich.text import Text

from doctor.knowledge.evidence import known_evidence, relevant_verdicts
from doctor.knowledge.matrix import Advisory, AffectedRange, Matrix
from doctor.reports.matrix import VocabularyListing
from doctor.reports.strip import swept_releases


def print_listing(matrix: Matrix, console: Console) -> None:
    """Every advisory of the matrix, a line or two each."""
    checked = [f"{name} {coverage.checked_up_to}" for name, coverage in matrix.packages.items() if coverage.checked_up_to is not None]
    console.print(Text(f"Matrix {matrix.version}: {len(matrix.advisories)} advisories, checked up to {', '.join(checked)}."))
    table = Table.grid(padding=(0, 2))
    for column in ("id", "severity"):
        table.add_column(column, no_wrap=True)
    table.add_column("title", ratio=1)
    for advisory in matrix.advisories:
        packages = "; ".join(f"{affected.package} {_ranges(affected.ranges)}" for affected in advisory.affected)
        table.add_row(Text(advisory.id, "bold"), advisory.severity, Text.assemble(advisory.title, "\n", (packages, "dim")))
    console.print()
    console.print(table)


_KINDS = {
    "model": "Of a model, from its load or its building on:",
    "class": "Of a class that the program defines:",
    "unseen": "Of a checkpoint or a machine, which no code shows: as long as it is not known, a finding is `possible-use`:",
}


def print_vocabulary(vocabulary: VocabularyListing, console: Console) -> None:
    """Every word, by what it is said of, and how many advisories use it."""
    for kind, title in _KINDS.items():
        console.print(Text(title, "bold"))
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(ratio=1)
        for each in (word for word in vocabulary.words if word.kind == kind):
            table.add_row(Text(f"  {each.word}"), Text.assemble(each.meaning, (f"  {', '.join(each.advisories[:4])}", "dim")))
        console.print(table)
        console.print()


def print_advisory(advisory: Advisory, matrix: Matrix, console: Console) -> None:
    """One advisory, whole."""
    console.print(Text(f"{advisory.id}  {advisory.title}", "bold"))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1, overflow="fold")
    for label, value in _rows(advisory, matrix):
        table.add_row(label, Text(value))
    console.print(table)
    for affected in advisory.affected:
        _print_strip(advisory, affected.package, console)


_CELLS = {"reproduced": ("#", "bold red"), "not reproduced": (".", "green"), "not applicable": ("-", "dim"), None: ("?", "dim")}


def _print_strip(advisory: Advisory, package: str, console: Console) -> None:
    """A cell for each release that was swept, oldest first, and in words where it was reproduced. Nothing where nothing was run."""
    evidence = known_evidence()
    verdicts = relevant_verdicts(advisory, package, evidence)
    swept = swept_releases(package, evidence)
    if not verdicts:
        return
    cells = [_CELLS[verdicts.get(version)] for version in swept]
    console.print(Text(f"\n{package} {swept[0]} to {swept[-1]}, one cell a release:"))
    console.print(Text.assemble(*cells), soft_wrap=False, overflow="fold")
    console.print(Text("# reproduced   . not reproduced   - not applicable   ? not run", style="dim"))
    runs = itertools.groupby(swept, verdicts.get)
    spans = [(versions[0], versions[-1]) for verdict, group in runs if verdict == "reproduced" and (versions := list(group))]
    if spans:
        console.print(Text("reproduced on " + ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in spans)))


def _rows(advisory: Advisory, matrix: Matrix) -> list[tuple[str, str]]:
    rows = [("slug", advisory.slug), ("kind", advisory.kind), ("severity", advisory.severity)]
    for affected in advisory.affected:
        checked = matrix.packages[affected.package].checked_up_to
        rows.append(("affected", f"{affected.package} {_ranges(affected.ranges)} (checked up to {checked})"))
        rows += [("of these", f"{affected.package} {_range(each)} only {each.only} ({', '.join(each.shapes)})") for each in affected.partly]
    rows += [("only with", each) for each in _conditions(advisory)]
    rows += [("set off by", advisory.trigger), ("", ", ".join(advisory.apis))]
    if advisory.uses is not None:
        ways = [" + ".join((*way.all_, *(f"not {each}" for each in way.without), *way.classes)) for way in advisory.uses.any_]
        rows.append(("uses", "; or ".join(ways) or f"none: {advisory.uses.none}"))
    if advisory.signature is None:
        rows.append(("shows as", "nothing: no error, no warning"))
    else:
        said = [part for part in (advisory.signature.exception, advisory.signature.message) if part is not None]
        rows.append(("shows as", ": ".join(said)))
    rows += [("cause", advisory.cause), ("workaround", advisory.workaround or "none known")]
    if advisory.avoid:
        rows.append(("do not", advisory.avoid))
    rows.append(("evidence", f"{advisory.evidence.level}: {advisory.evidence.basis}"))
    rows += [("shapes", ", ".join(advisory.evidence.shapes))] if advisory.evidence.shapes else []
    rows += [("see", reference) for reference in advisory.references]
    return rows + ([("related", ", ".join(advisory.related))] if advisory.related else [])


def _conditions(advisory: Advisory) -> list[str]:
    when = advisory.when
    conditions = []
    for each in when.packages:
        state = _ranges(each.ranges) if each.ranges is not None else "installed" if each.installed else "not installed"
        conditions.append(f"{each.package} {state}")
    if when.python:
        conditions.append(f"Python {_ranges(when.python)}")
    conditions += [f"platform {' or '.join(when.platform)}"] if when.platform else []
    conditions += [f"accelerator {' or '.join(when.accelerator)}"] if when.accelerator else []
    return conditions + [f"{name} set{' to ' + ' or '.join(values) if values else ''}" for name, values in when.environment.items()]


def _ranges(ranges: tuple[AffectedRange, ...]) -> str:
    return ", ".join(_range(each) for each in ranges)


def _range(each: AffectedRange) -> str:
    if each.introduced is None:
        return "every release" if each.fixed is None else f"before {each.fixed}"
    return f"from {each.introduced}, not fixed" if each.fixed is None else f"from {each.introduced}, fixed in {each.fixed}"
