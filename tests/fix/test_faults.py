"""Faults of the installation itself: no change of releases cures them, so the plan says what to do by hand, and nothing is changed."""

from __future__ import annotations

import shlex
import shutil

import uv

from tests.fix.conftest import OLD_ACCELERATE, Knowing, Make, Patient

STACK = ("torch==2.13.0+cpu", "transformers==4.46.3", "accelerate==1.0.1")


def lose_metadata(patient: Patient, name: str) -> None:
    """As when an uninstall was cut short."""
    (info,) = patient.site_packages.glob(f"{name}-*.dist-info")
    (info / "METADATA").unlink()


def test_what_is_to_be_done_by_hand_is_said_and_does_mend_it(make: Make, knowing: Knowing) -> None:
    patient, fix = make("torch==2.13.0+cpu", "transformers==4.46.3", "accelerate==1.15.0"), knowing(OLD_ACCELERATE)
    (info,) = patient.site_packages.glob("transformers-*.dist-info")
    shutil.copytree(info, info.with_name("transformers-4.40.0.dist-info"))
    tree = patient.tree()
    said = fix(patient, "--yes", code=1)
    assert (said["outcome"], said["steps"]) == ("no-cure", [])
    (fault,) = said["by_hand"]
    assert (fault["id"], fault["package"]) == ("IN001", "transformers")
    assert "transformers-4.40.0.dist-info" in fault["seen"]
    assert patient.tree() == tree
    shown = fix.shown(patient, "--yes").out
    assert "Uninstall transformers until none is left" in " ".join(shown.split())
    assert fault["command"] in shown
    for folder in (info, info.with_name("transformers-4.40.0.dist-info")):
        shutil.rmtree(folder)
    patient.run(uv.find_uv_bin(), *shlex.split(fault["command"])[1:])
    assert fix(patient, code=0)["outcome"] == "nothing-to-do"


def test_a_package_whose_records_are_not_true_is_not_changed(make: Make, knowing: Knowing) -> None:
    patient, fix = make(*STACK), knowing(OLD_ACCELERATE)
    (patient.site_packages / "accelerate" / "__init__.py").write_text("__version__ = '0.9.0'\n")
    tree = patient.tree()
    said = fix(patient, "--yes", "--only", "MT901", code=2)
    assert said["outcome"] == "refused"
    assert "accelerate says two versions of itself (IN007)" in said["sentence"]
    assert patient.tree() == tree


def test_a_cure_of_something_else_leaves_it_and_says_so(make: Make, knowing: Knowing) -> None:
    patient, fix = make(*STACK), knowing(OLD_ACCELERATE)
    lose_metadata(patient, "transformers")
    said = fix(patient, "--yes", code=1)
    assert (said["outcome"], [each["id"] for each in said["by_hand"]]) == ("cured", ["IN003"])
