"""Pairs of releases: what an environment holds, and under which names what was seen in it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from doctor.facts.observation import Observation
from doctor.knowledge.evidence import SweptEnvironment, known_evidence
from tests.reproduce.test_run import SCRIPTS, script
from tools import grid
from tools.sweep import read_evidence

TORCH = Requirement("torch==2.13.0")


def test_an_environment_holds_what_goes_with_either_of_the_pair() -> None:
    assert grid.requirements_of(grid.Pair("4.36.2", "0.26.1"), TORCH) == (
        "torch==2.13.0",
        "transformers==4.36.2",
        "accelerate==0.26.1",
        "numpy<2",
        "setuptools<80",
    )


def test_a_pair_is_one_environment_and_stands_under_each_package_with_the_others_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MT002 is about transformers, MT050 about accelerate, MT080 about torch, MT101 about none of them. The second time nothing is run."""
    for number in (2, 50, 80, 101):
        script(tmp_path, number, SCRIPTS["reproduced"])
    ran: list[set[str]] = []

    def swept(_home: Path, _package: str, _requirements: object, scripts: dict[str, Path], **_: object) -> tuple[SweptEnvironment, list[Observation]]:
        ran.append(set(scripts))
        return SweptEnvironment("2026-01-01", "3.11.0", {}, None), [Observation(each, "reproduced", "as it was") for each in scripts]

    monkeypatch.setattr(grid, "sweep_release", swept)
    arguments = ["--pairs", "5.5.4:1.2.1", "--scripts", str(tmp_path), "--output", str(tmp_path / "runs.json")]
    grid.main(arguments)
    grid.main(arguments)
    assert ran == [{"MT002", "MT050", "MT080"}]
    kept = {package: runs for packages in read_evidence(tmp_path / "runs.json").runs.values() for package, runs in packages.items()}
    assert {package: dict(runs.seen) for package, runs in kept.items()} == {
        "transformers": {"reproduced: as it was": ("5.5.4 with accelerate==1.2.1",)},
        "accelerate": {"reproduced: as it was": ("1.2.1 with transformers==5.5.4",)},
        "torch": {"reproduced: as it was": ("2.13.0 with transformers==5.5.4 with accelerate==1.2.1",)},
    }


@pytest.mark.parametrize("pair", grid.GRID, ids=":".join)
def test_every_pair_was_run(pair: grid.Pair) -> None:
    """That no range is denied by what was seen in one is held by tests/knowledge/test_evidence.py, for every environment."""
    environments = known_evidence().environments
    for package, label in grid.labels_of(pair, TORCH).items():
        assert environments[package][label].untestable is None
        assert environments[package][label].packages["transformers"] == pair.transformers
        assert environments[package][label].packages["accelerate"] == pair.accelerate


def test_the_grid_goes_from_old_beside_old_to_new_beside_new() -> None:
    pairs = {(each.transformers.startswith("4."), each.accelerate.startswith("0.")) for each in grid.GRID}
    assert len(set(grid.GRID)) >= 12
    assert pairs >= {(True, True), (True, False), (False, False)}
