"""doctor fix on environments of small packages: real installers, an index of our own."""

from __future__ import annotations

import pytest

from tests.fix.conftest import OLD_ACCELERATE, Knowing, Make

STACK = ("torch==2.13.0+cpu", "transformers==4.46.3", "accelerate==1.0.1")


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_it_cures_proves_and_undoes(make: Make, knowing: Knowing, installer: str) -> None:
    fix, patient = knowing(OLD_ACCELERATE), make(*STACK, installer=installer)
    freeze, tree = patient.freeze(), patient.tree()
    planned = fix(patient, "--dry-run", code=1)
    assert planned["outcome"] == "planned"
    assert patient.tree() == tree
    done = fix(patient, "--yes", code=0)
    assert done["outcome"] == "cured"
    assert [(each["package"], each["from"], each["to"], each["clears"]) for each in done["steps"]] == [("accelerate", "1.0.1", "1.1.0", ["MT901"])]
    assert done["stays"] == {"torch": "2.13.0+cpu", "transformers": "4.46.3"}
    assert [(each["id"], each["cured"]) for each in done["targets"]] == [("MT901", True)]
    assert patient.freeze() == freeze.replace("accelerate==1.0.1", "accelerate==1.1.0")
    assert fix(patient, code=0)["outcome"] == "nothing-to-do"
    undone = fix(patient, "--undo", code=0)
    assert undone["freeze_is_the_same"] is True
    assert patient.freeze() == freeze
    assert patient.tree() == tree
    assert fix(patient, "--undo", code=2)["outcome"] == "refused"
