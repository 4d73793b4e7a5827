"""How often `doctor explain` is right: over real public reports, each with what its text alone can tell.

    python benchmarks/explain_cases.py REPORTS.jsonl [--show]

A report has `text` and `from_text`: whether it is `decidable`, acceptable `causes` (best first), the `kind`, `upgrade` and
`upgrade_to`. The reports are not part of this repository.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from doctor.explain.explanation import LikelyCause
from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import load_matrix

_SURE = 0.5


def main() -> int:
    """Print the measure; returns the exit code."""
    parser = argparse.ArgumentParser(description="Measure `doctor explain` on labelled reports.")
    parser.add_argument("reports", type=Path)
    parser.add_argument("--show", action="store_true", help="print every case that came out otherwise than labelled")
    options = parser.parse_args()
    if not options.reports.exists():
        print("skipped: no such reports", file=sys.stderr)
        return 0
    matrix = load_matrix()
    tally: collections.Counter[str] = collections.Counter()
    confusion: collections.Counter[tuple[str, str]] = collections.Counter()
    for number, report in enumerate(_read(options.reports)):
        label = {**report["from_text"], "kinds": [report["from_text"]["kind"]]}
        explanation = explain_lines(report["text"].split("\n"), matrix)
        causes = explanation.failures[0].causes if explanation.failures else ()
        wrong = list(_count(tally, confusion, causes, label))
        if wrong and options.show:
            said = ", ".join(f"{each.cause} {each.confidence:.2f}" for each in causes) or "unknown"
            print(f"#{number} {', '.join(wrong)}: said {said}; label {label['kinds']} {label['causes']}\n   {report['text'][:110]}")
    _print(tally, confusion)
    return 0


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _count(tally: Any, confusion: Any, causes: tuple[LikelyCause, ...], label: dict[str, Any]) -> Any:
    best = causes[0] if causes else None
    tally["cases"] += 1
    tally["unknown"] += best is None
    if best is not None and best.upgrade is not None:
        tally["upgrades"] += 1
        if _harmful(best, label):
            tally["harmful"] += 1
            yield f"HARMFUL upgrade to {best.upgrade.package} {best.upgrade.to}"
    if not label["decidable"]:
        tally["undecidable"] += 1
        doubted = best is None or best.confidence < _SURE
        tally["doubted"] += doubted
        if not doubted:
            yield "sure of what cannot be told"
        return
    tally["decidable"] += 1
    right_kind = best is not None and best.kind in label["kinds"]
    tally["kind"] += right_kind
    if not right_kind:
        yield f"kind {best.kind if best else 'unknown'}"
    confusion[label["kinds"][0], best.kind if best is not None else "unknown"] += 1
    if label["causes"]:
        tally["with cause"] += 1
        tally["top-1"] += best is not None and best.cause in label["causes"]
        tally["top-2"] += any(each.cause in label["causes"] for each in causes[:2])
        if best is None or best.cause not in label["causes"]:
            yield "cause"


def _harmful(best: LikelyCause, label: dict[str, Any]) -> bool:
    """An upgrade where none helps, or to a version the label says is still affected."""
    assert best.upgrade is not None
    if label["upgrade"] != "helps":
        return label["upgrade"] in ("none", "hurts")
    try:
        wanted = Requirement(label["upgrade_to"].split(" ")[0].rstrip(",;"))
    except InvalidRequirement:
        return False
    return wanted.name == best.upgrade.package and not wanted.specifier.contains(best.upgrade.to)


def _print(tally: Any, confusion: Any) -> None:
    def share(part: str, whole: str) -> str:
        return f"{tally[part]} of {tally[whole]} ({100 * tally[part] / max(tally[whole], 1):.0f} %)"

    print(f"kind right             {share('kind', 'decidable')} of the decidable")
    print(f"cause right, first     {share('top-1', 'with cause')}")
    print(f"cause right, first two {share('top-2', 'with cause')}")
    print(f"answered unknown       {share('unknown', 'cases')}")
    print(f"doubt where due        {share('doubted', 'undecidable')} of the undecidable")
    print(f"upgrades recommended   {tally['upgrades']}, harmful {tally['harmful']}")
    kinds = ("bug", "misuse", "resource", "incompatibility", "unknown")
    print("\nlabel (best) \\ said " + "".join(f"{kind:>17}" for kind in kinds))
    for row in kinds[:-1]:
        print(f"{row:<20}" + "".join(f"{confusion[row, kind]:>17}" for kind in kinds))


if __name__ == "__main__":
    sys.exit(main())
