"""The real command on real environments with real releases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import Doctor
from tests.stacks import python_in

Check = Callable[..., Any]


def ids(report: Any) -> set[str]:
    return {finding["id"] for finding in report["findings"]}


def test_an_old_stack_has_findings_and_an_upgrade_that_clears_some(check: Check, old_stack: Path) -> None:
    report = check("--python", old_stack, "--strict")
    packages = {name: facts["version"] for name, facts in report["environment"]["packages"].items()}
    assert packages["transformers"] == "4.46.3"
    assert packages["accelerate"] == "1.0.1"
    assert packages["torch"].partition("+")[0] == "2.13.0"
    assert {"MT080", "MT057", "MT023"} <= ids(report)
    assert report["findings"][0]["severity"] == "silent"
    assert all(finding["trigger"] and finding["remedy"] and finding["references"] for finding in report["findings"])
    (change,) = [each for each in report["upgrade"]["changes"] if each["package"] == "accelerate"]
    assert (change["from"], change["to"]) == ("1.0.1", "1.15.0")
    assert "accelerate==1.15.0" in report["upgrade"]["command"]
    assert "MT080" in report["upgrade"]["remaining"]
    assert not set(change["clears"]) & set(report["upgrade"]["remaining"])
    assert report["exit_code"] == 1


def test_the_newest_clean_stack_is_called_healthy(doctor: Doctor, current_stack: Path) -> None:
    ran = doctor("--python", current_stack, variables={"COLUMNS": "80"})
    assert ran.code == 0
    assert "[ok] Nothing is wrong with this environment." in ran.out
    assert "known traps lie in these releases and bite only what uses them." in ran.out
    brief = doctor("--python", current_stack, "--format", "json", "--brief")
    assert brief.code == 0
    assert len(brief.out.encode()) < 1500


def test_torch_itself_answers(check: Check, old_stack: Path) -> None:
    torch = check("--python", old_stack)["environment"]["torch"]
    assert torch["importable"] is True
    assert torch["version"].startswith("2.13.0")
    assert torch["default_dtype"] == "torch.float32"
    assert torch["default_device"] == "cpu"
    assert torch["error"] is None
    if torch["cuda_built"] is None:
        assert torch["cuda_available"] is False
        assert torch["cuda_unavailable_because"] == "this torch is built without CUDA and ROCm"


def test_a_current_stack_has_only_what_is_still_open(check: Check, current_stack: Path) -> None:
    report = check("--python", current_stack, "--strict")
    assert report["upgrade"]["changes"] == []
    assert report["upgrade"]["command"] is None
    assert {"MT080", "MT016"} <= ids(report)
    assert all(finding["fixed_in"] is None for finding in report["findings"])
    assert set(report["upgrade"]["remaining"]) == ids(report)


def test_following_the_advice_clears_what_it_says(check: Check, doctor: Doctor, old_stack: Path, tmp_path: Path) -> None:
    """The recommended versions, examined in their turn from the files alone, have lost what was to be cleared and gained nothing."""
    before = check("--python", old_stack, "--strict")
    site_packages = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(python_in(old_stack))
    (tmp_path / "venv" / "pyvenv.cfg").write_text("version = 3.11.7\n")
    changed = {change["package"]: change["to"] for change in before["upgrade"]["changes"]}
    for name, facts in before["environment"]["packages"].items():
        version = changed.get(name, facts["version"])
        info = site_packages / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    after = check("--no-live", "--python", tmp_path / "venv")
    cleared = {each for change in before["upgrade"]["changes"] for each in change["clears"]}
    assert cleared
    curable = {each["id"] for each in before["findings"] if each["kind"] in ("bug", "incompatibility")}
    assert (ids(before) - ids(after)) & curable == cleared
    assert {each["id"] for each in after["findings"] if each["kind"] in ("bug", "incompatibility")} <= ids(before)


def test_without_running_anything_of_the_patients_the_versions_are_the_same(check: Check, old_stack: Path) -> None:
    live, still = check("--python", old_stack), check("--no-live", "--python", old_stack)
    assert live["environment"]["packages"] == still["environment"]["packages"]
    assert still["environment"]["torch"]["importable"] is None
    assert any(each["fact"] == "torch" and "--no-live" in each["reason"] for each in still["environment"]["unknown"])


def test_an_environment_without_torch_says_so(check: Check, no_torch_stack: Path) -> None:
    report = check("--python", no_torch_stack)
    assert ids(report) == {"IN009"}
    assert "torch" not in report["environment"]["packages"]
    assert report["exit_code"] == 1


def test_the_active_environment_is_examined_and_the_first_line_says_why(doctor: Doctor, old_stack: Path) -> None:
    ran = doctor("--no-live", variables={"VIRTUAL_ENV": str(old_stack)})
    first, _, _ = " ".join(ran.out.split()).partition(" [")
    assert first.startswith("Examined ")
    assert first.endswith(": VIRTUAL_ENV is set")


def test_a_venv_here_is_examined_where_none_is_active(check: Check, old_stack: Path) -> None:
    report = check("--no-live", cwd=old_stack.parent)
    assert report["environment"]["python"]["chosen_because"] == ".venv in the current folder"
    assert report["environment"]["packages"]["transformers"]["version"] == "4.46.3"


def test_nothing_is_written_into_the_patient(doctor: Doctor, old_stack: Path) -> None:
    def files() -> set[Path]:
        return set((old_stack / "bin").rglob("*")) | set(old_stack.glob("*")) | set((old_stack / "lib").glob("*/site-packages/*"))

    doctor("--python", old_stack)
    before = files()
    doctor("--python", old_stack)
    assert files() == before


def test_the_python_api_offers_the_same(check: Check, old_stack: Path) -> None:
    import doctor

    matrix = doctor.load_matrix()
    environment = doctor.examine(str(old_stack), matrix=matrix)
    diagnosis = doctor.diagnose(environment, matrix)
    report = check("--python", old_stack)
    assert [finding.id for finding in diagnosis.findings] == [finding["id"] for finding in report["findings"]]
    assert diagnosis.exit_code == report["exit_code"]
    assert [change.to for change in diagnosis.plan.changes] == [change["to"] for change in report["upgrade"]["changes"]]


def test_output_goes_to_a_file_whole(doctor: Doctor, old_stack: Path, tmp_path: Path) -> None:
    ran = doctor("--no-live", "--python", old_stack, "--strict", "--format", "json", "--output", tmp_path / "report.json")
    assert (ran.code, ran.out) == (1, "")
    assert json.loads((tmp_path / "report.json").read_text())["exit_code"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
