"""Which change doctor fix finds, and what it says where there is none. Nothing is changed here."""

from __future__ import annotations

import pytest

from tests.fix.conftest import OLD_ACCELERATE, Knowing, Make, advisory
from tests.fix.index import Index

STACK = ("torch==2.13.0+cpu", "transformers==4.46.3", "accelerate==1.0.1")


def moves(report: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {each["package"]: each["to"] for each in report["steps"]}


def test_the_nearest_release_the_newest_with_latest_and_an_older_one_where_only_that_is_clean(make: Make, knowing: Knowing) -> None:
    patient = make(*STACK)
    fix = knowing(OLD_ACCELERATE)
    assert moves(fix(patient, "--dry-run", code=1)) == {"accelerate": "1.1.0"}
    assert moves(fix(patient, "--dry-run", "--latest", code=1)) == {"accelerate": "1.15.0"}
    newest_is_affected = knowing(advisory("MT901", "accelerate", "1.0.1,-"))
    assert moves(newest_is_affected(patient, "--dry-run", code=1)) == {"accelerate": "1.0.0"}
    nothing_helps = knowing(advisory("MT901", "accelerate", "-,-"))(patient, "--yes", code=1)
    assert (nothing_helps["outcome"], nothing_helps["steps"]) == ("no-cure", [])
    assert "o round it" in nothing_helps["sentence"]


def test_what_pins_an_older_release_is_moved_along(make: Make, knowing: Knowing, index: Index) -> None:
    index.add("peft", "0.9.0", requires=["accelerate<1.1"])
    index.add("peft", "0.10.0", requires=["accelerate>=1.1"])
    planned = knowing(OLD_ACCELERATE)(make(*STACK, "peft==0.9.0"), "--dry-run", code=1)
    assert moves(planned) == {"accelerate": "1.1.0", "peft": "0.10.0"}
    assert planned["steps"][1]["because"] == "needs accelerate<1.1 as it is"


def test_who_stands_in_the_way_is_named(make: Make, knowing: Knowing, index: Index) -> None:
    index.add("peft", "0.9.0", requires=["accelerate<1.1"])
    patient = make(*STACK, "peft==0.9.0")
    tree = patient.tree()
    refused = knowing(OLD_ACCELERATE)(patient, "--yes", code=1)
    assert refused["outcome"] == "no-cure"
    assert "peft needs accelerate<1.1, but there is accelerate 1.1.0" in refused["obstacles"][0]
    assert patient.tree() == tree


def test_what_is_broken_already_does_not_stand_in_the_way(make: Make, knowing: Knowing, index: Index) -> None:
    index.add("other", "1.0", requires=["accelerate>=9", "not-there"])
    patient = make(*STACK)
    patient.install("--no-deps", "other==1.0")
    done = knowing(OLD_ACCELERATE)(patient, "--yes", code=0)
    assert moves(done) == {"accelerate": "1.1.0"}
    assert len(done["complaints_before"]) == 2


def test_torch_keeps_its_build_and_stays_where_it_is_not_the_problem(make: Make, knowing: Knowing, index: Index) -> None:
    index.add("torch", "2.13.1", "2.14.0")
    index.add("accelerate", "1.1.0", requires=["torch>=2.0"])
    patient = make("torch==2.1.0+cpu", "transformers==4.46.3", "accelerate==1.0.1")
    assert moves(knowing(OLD_ACCELERATE)(patient, "--dry-run", code=1)) == {"accelerate": "1.1.0"}
    floor = advisory("MT901", "torch", "-,2.4", when='{packages: [{package: transformers, ranges: [{introduced: "4.0", fixed: null}]}]}')
    assert moves(knowing(floor)(patient, "--dry-run", code=1)) == {"torch": "2.4.0+cpu"}


def test_a_torch_that_its_vendor_built_is_never_moved(make: Make, knowing: Knowing, index: Index) -> None:
    index.add("torch", "2.1.0+vendor.7")
    floor = advisory("MT901", "torch", "-,2.4", when='{packages: [{package: transformers, ranges: [{introduced: "5.0", fixed: null}]}]}')
    patient = make("torch==2.1.0+vendor.7", "transformers==5.24.0", "accelerate==1.1.0")
    index.add("transformers", "4.57.6")
    assert moves(knowing(floor)(patient, "--dry-run", code=1)) == {"transformers": "4.57.6"}


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_without_an_index_the_plan_is_of_the_matrix_alone_and_marked(make: Make, knowing: Knowing, index: Index, installer: str) -> None:
    patient = make(*STACK, installer=installer)
    tree = patient.tree()
    index.fails = lambda kind: True
    said = knowing(OLD_ACCELERATE)(patient, "--yes", code=2)
    assert said["outcome"] == "unverified"
    assert said["unreachable"]
    assert moves(said) == {"accelerate": "1.1.0"}
    assert "nothing was changed" in said["sentence"]
    assert patient.tree() == tree
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
    assert knowing(OLD_ACCELERATE)(patient, "--yes", code=2, variables=nowhere)["outcome"] == "unverified"
