"""What is shown of an advisory in pairs of releases."""

from __future__ import annotations

import io

from packaging.version import Version
from rich.console import Console

from doctor.knowledge.evidence import Evidence, Runs, SweptEnvironment, known_evidence
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.strip import pairs_of
from doctor.reports.terminal.matrix import print_advisory
from tests.environments import matrix

ADVISORY = matrix("MT001 bug error torch [2.0,-)").advisories[0]


def evidence(package: str, **seen: tuple[str, ...]) -> Evidence:
    environments = {label: SweptEnvironment("2026-01-01", "3.11.0", {}, None) for labels in seen.values() for label in labels}
    lines = {f"{verdict.replace('_', ' ')}: as it was": labels for verdict, labels in seen.items()}
    return Evidence(1, {package: environments}, {"MT001": {package: Runs("abc", lines)}})


def test_a_pair_is_drawn_where_both_are_named_and_failed_if_it_did_with_any_torch() -> None:
    runs = evidence(
        "torch",
        not_reproduced=("2.13.0 with transformers==5.0.0 with accelerate==1.2.0", "2.1.0 with transformers==5.0.0"),
        reproduced=("2.6.0 with transformers==5.0.0 with accelerate==1.2.0", "2.7.0"),
    )
    assert pairs_of(ADVISORY, "torch", runs) == {(Version("5.0.0"), Version("1.2.0")): "reproduced"}


def test_the_release_of_the_package_itself_is_one_of_the_pair() -> None:
    runs = evidence("accelerate", reproduced=("1.2.0 with transformers==5.0.0", "1.3.0 without transformers", "1.4.0 with setuptools==82.0.0"))
    assert pairs_of(ADVISORY, "accelerate", runs) == {(Version("5.0.0"), Version("1.2.0")): "reproduced"}


def test_the_pairs_of_an_advisory_fit_on_eighty_columns() -> None:
    console = Console(file=io.StringIO(), width=80)
    shown = next(each for each in builtin_matrix().advisories if each.id == "MT050")
    print_advisory(shown, builtin_matrix(), console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    drawn = lines[lines.index("accelerate in pairs, a row a transformers, a column an accelerate:") :]
    assert max(map(len, lines)) <= 80
    assert {row.split()[0] for row in drawn[2:-1]} == {str(transformers) for transformers, _ in pairs_of(shown, "accelerate", known_evidence())}
