"""The matrix for a person at a terminal."""

from __future__ import annotations

import itertools

from rich.console import Console
from rich.table import Table
from rich.text import Text

from doctor.knowledge.evidence import known_evidence, relevant_verdicts
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.reports.advisory import ranges_in_words, rows_of
from doctor.reports.matrix import AdviceListing, VocabularyListing
from doctor.reports.strip import pairs_of, swept_releases


def print_listing(matrix: Matrix, console: Console) -> None:
    """Every advisory of the matrix, a line or two each."""
    checked = [f"{name} {coverage.checked_up_to}" for name, coverage in matrix.packages.items() if coverage.checked_up_to is not None]
    console.print(Text(f"Matrix {matrix.version}: {len(matrix.advisories)} advisories, checked up to {', '.join(checked)}."))
    table = Table.grid(padding=(0, 2))
    for column in ("id", "severity"):
        table.add_column(column, no_wrap=True)
    table.add_column("title", ratio=1)
    for advisory in matrix.advisories:
        packages = "; ".join(f"{affected.package} {ranges_in_words(affected.ranges)}" for affected in advisory.affected)
        table.add_row(Text(advisory.id, "bold"), advisory.severity, Text.assemble(advisory.title, "\n", (packages, "dim")))
    console.print()
    console.print(table)


_KINDS = {
    "model": "Of a model, from its load or its building on:",
    "class": "Of a class that the program defines:",
    "unseen": "Of a checkpoint or a machine, which no code shows: as long as it is not known, a finding is `possible-use`:",
    "rare": "Of few checkpoints, which no code shows: as long as it is not seen, nothing is told of it:",
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


_HARMS = {"destroys": "weights are lost", "hides": "the failure is hidden, its cause stays", "nothing": "nothing changes"}


def print_advice(listing: AdviceListing, console: Console) -> None:
    """Each advice with why it is wrong and what to do instead."""
    if not listing.advice:
        console.print(Text(f"No advice that is known to be wrong says {' and '.join(listing.words)}."))
    for each in listing.advice:
        console.print(Text(f"{each.name}  {each.advised}", "bold"))
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(ratio=1)
        rows = [("follows", _HARMS[each.harm]), ("wrong", each.wrong), ("instead", each.instead)]
        for label, value in rows + ([("against", ", ".join(each.advisories))] if each.advisories else []):
            table.add_row(label, Text(value))
        console.print(table)
        console.print()


def print_advisory(advisory: Advisory, matrix: Matrix, console: Console) -> None:
    """One advisory, whole."""
    console.print(Text(f"{advisory.id}  {advisory.title}", "bold"))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1, overflow="fold")
    for label, value in rows_of(advisory, matrix):
        table.add_row(label, Text(value))
    console.print(table)
    for affected in advisory.affected:
        _print_strip(advisory, affected.package, console)
        _print_pairs(advisory, affected.package, console)


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


def _print_pairs(advisory: Advisory, package: str, console: Console) -> None:
    """A cell for each pair of a transformers and an accelerate that was run, blank where it was not or where the problem is not at stake."""
    pairs = pairs_of(advisory, package, known_evidence())
    if not pairs:
        return
    console.print(Text(f"\n{package} in pairs, a row a transformers, a column an accelerate:"))
    table = Table.grid(padding=(0, 2))
    columns = sorted({accelerate for _, accelerate in pairs})
    table.add_row("", *(Text(str(each), "dim") for each in columns))
    for row in sorted({transformers for transformers, _ in pairs}):
        cells = [Text(*_CELLS[pairs[row, column]]) if (row, column) in pairs else Text("") for column in columns]
        table.add_row(Text(str(row), "dim"), *cells)
    console.print(table)
    console.print(Text("blank: not run, or not at stake there", style="dim"))
