"""The sweep's book-keeping, and one release swept for real."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from doctor.evidence import Evidence, SweptEnvironment
from doctor.observation import Observation, Verdict
from doctor.reproduce import digest
from tests.reproduce.test_run import SCRIPTS, script
from tools import sweep

NOTHING = Evidence(1, {}, {})
HERE = SweptEnvironment("2026-01-01", "3.11.0", {"torch": "2.13.0"}, None)


def seen(evidence: Evidence, version: str, verdict: Verdict, detail: str = "as it was", reproducer: str = "abc") -> Evidence:
    return sweep.with_observations(evidence, "accelerate", version, HERE, [(Observation("MT050", verdict, detail), reproducer)])


def runs(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    return dict(evidence.runs["MT050"]["accelerate"].seen)


def test_releases_that_saw_the_same_stand_together_in_order() -> None:
    evidence = seen(seen(seen(NOTHING, "1.10.0", "reproduced"), "1.9.0", "reproduced"), "1.11.0", "not reproduced")
    assert runs(evidence) == {"reproduced: as it was": ("1.9.0", "1.10.0"), "not reproduced: as it was": ("1.11.0",)}


def test_numbers_in_a_detail_do_not_tell_runs_apart_and_ids_keep_theirs() -> None:
    evidence = seen(seen(NOTHING, "1.0.0", "reproduced", "17 of 23, see MT051"), "1.1.0", "reproduced", "2.5e-3 of 23, see MT051")
    assert runs(evidence) == {"reproduced: # of #, see MT051": ("1.0.0", "1.1.0")}


def test_a_release_run_again_replaces_what_was_seen_there() -> None:
    assert runs(seen(seen(NOTHING, "1.0.0", "broken"), "1.0.0", "reproduced")) == {"reproduced: as it was": ("1.0.0",)}


def test_a_changed_reproducer_begins_anew() -> None:
    evidence = seen(seen(NOTHING, "1.0.0", "reproduced"), "1.1.0", "reproduced", reproducer="def")
    assert runs(evidence) == {"reproduced: as it was": ("1.1.0",)}


def test_only_what_is_missing_or_changed_is_run(tmp_path: Path) -> None:
    path = script(tmp_path, 50, SCRIPTS["reproduced"])
    evidence = seen(NOTHING, "1.0.0", "reproduced", reproducer=digest(path))
    assert sweep.missing(evidence, "accelerate", "1.0.0", {"MT050": path}) == {}
    assert sweep.missing(evidence, "accelerate", "1.1.0", {"MT050": path}) == {"MT050": path}
    path.write_text(path.read_text() + "\n# changed\n")
    assert sweep.missing(evidence, "accelerate", "1.0.0", {"MT050": path}) == {"MT050": path}


def test_a_release_run_with_other_companions_stands_beside_itself() -> None:
    evidence = seen(seen(NOTHING, "1.0.0", "not reproduced"), "1.0.0 with transformers==5.0.0", "reproduced")
    assert runs(evidence) == {"not reproduced: as it was": ("1.0.0",), "reproduced: as it was": ("1.0.0 with transformers==5.0.0",)}


def test_the_file_is_the_same_to_the_byte_when_nothing_is_new(tmp_path: Path) -> None:
    file = tmp_path / "evidence" / "runs.json"
    evidence = seen(seen(NOTHING, "1.0.0", "reproduced"), "1.1.0", "not reproduced")
    sweep.write_evidence(evidence, file)
    first = file.read_bytes()
    assert sweep.read_evidence(file) == evidence
    sweep.write_evidence(sweep.read_evidence(file), file)
    assert file.read_bytes() == first
    json.loads(first)


def test_neighbours_of_boundaries_are_run_first_and_every_release_once() -> None:
    versions = [Version(text) for text in ("1.0.0", "1.0.1", "1.1.0", "1.1.1", "1.2.0", "1.2.1")]
    order = [str(version) for version in sweep.in_order_of_news(versions, [Version("1.1.0")])]
    assert order == ["1.1.0", "1.0.1", "1.2.1", "1.1.1", "1.2.0", "1.0.0"]


@pytest.mark.parametrize(
    ("package", "version"), [("transformers", "4.30.0"), ("transformers", "5.23.0"), ("accelerate", "0.20.3"), ("accelerate", "1.15.0")]
)
def test_every_release_has_companions(package: str, version: str) -> None:
    assert sweep.companions(package, Version(version))


def test_an_environment_that_cannot_be_made_is_untestable_with_the_reason(tmp_path: Path) -> None:
    path = script(tmp_path, 50, SCRIPTS["reproduced"])
    environment, observed = sweep.sweep_release(tmp_path / "venv", "accelerate", ["accelerate==999.0"], {"MT050": path})
    assert environment.untestable is not None
    assert environment.untestable.startswith("cannot be installed: ")
    assert observed == []


def test_an_environment_whose_package_cannot_be_imported_is_untestable(tmp_path: Path) -> None:
    """accelerate without torch: with no dependencies installed, its import fails."""
    path = script(tmp_path, 50, SCRIPTS["not reproduced"])
    environment, observed = sweep.sweep_release(tmp_path / "venv", "accelerate", ["accelerate==1.15.0", "--no-deps"], {"MT050": path})
    assert environment.untestable is not None
    assert environment.untestable.startswith("cannot be imported: ModuleNotFoundError")
    assert observed == []


@pytest.fixture(autouse=True)
def uv_is_there() -> None:
    if shutil.which("uv") is None and not Path(sys.executable).with_name("uv").exists():
        pytest.fail("uv is needed: pip install -e '.[test]'")
