"""Versions read from line numbers, in the environment of an explanation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from doctor.dating import Dating, date_frames
from doctor.dating.fingerprints import index_of
from doctor.dating.versions import with_dated_versions
from doctor.facts.symptom import Frame
from doctor.knowledge.matching import match
from doctor.knowledge.matrix_file import builtin_matrix
from tests.environments import environment, matrix, stated

PACKAGES = ("torch", "transformers", "accelerate")


def dating(*candidates: str, **changes: Any) -> Dating:
    made = Dating("transformers", "dated", candidates, (), 3, 3, 2, True, f"transformers {', '.join(candidates)} (3 frames)")
    return replace(made, **changes)


def test_one_release_left_is_the_version_with_its_source() -> None:
    found = with_dated_versions(stated(""), [dating("4.31.0")], PACKAGES)
    assert found.packages["transformers"].version == "4.31.0"
    assert found.sources["packages.transformers.version"] == "from 3 frames of the traceback"
    assert not any(each.fact == "packages.transformers.version" for each in found.unknown)


def test_several_releases_left_are_a_set_and_a_doubt() -> None:
    found = with_dated_versions(stated(""), [dating("4.46.0", "4.46.1")], PACKAGES)
    assert found.packages["transformers"].version is None
    assert found.packages["transformers"].candidates == ("4.46.0", "4.46.1")
    assert any(each.fact == "packages.transformers.version" for each in found.unknown)


@pytest.mark.parametrize(
    ("candidates", "holds", "missing"),
    [
        (("4.46.0", "4.46.3"), True, 0),
        (("4.49.0", "4.50.0"), True, 1),
        (("4.51.0", "4.52.0"), False, 0),
    ],
)
def test_advisories_are_matched_against_the_set(candidates: tuple[str, ...], holds: bool, missing: int) -> None:
    (advisory,) = matrix("MT901 bug error transformers [4.40,4.50)", checked='{transformers: {checked_up_to: "9.0"}}').advisories
    found = match(advisory, with_dated_versions(stated(""), [dating(*candidates)], PACKAGES))
    assert (found is not None) is holds
    if found is not None:
        assert len(found.missing) == missing
        assert all("4.49.0" in fact and "4.50.0" in fact for fact in found.missing)


def test_a_stated_version_among_those_left_stays() -> None:
    before = stated("transformers==4.46.1")
    assert with_dated_versions(before, [dating("4.46.0", "4.46.1")], PACKAGES) == before


def test_a_stated_version_the_frames_cannot_come_from_is_a_fault_and_what_ran_counts() -> None:
    found = with_dated_versions(stated("transformers==4.46.1"), [dating("4.31.0")], PACKAGES)
    (fault,) = found.faults
    assert fault.slug == "stated-version-contradicted"
    assert "4.46.1" in fault.detail
    assert "4.31.0" in fault.detail
    assert found.packages["transformers"].version == "4.31.0"


@pytest.mark.parametrize("version", ["99.0.0", "4.58.0.dev0", "4.50.0.dev0", "5.0.0rc1"])
def test_a_release_the_index_does_not_hold_is_not_contradicted(version: str) -> None:
    before = stated(f"transformers=={version}")
    assert with_dated_versions(before, [dating("4.31.0")], PACKAGES) == before


def test_a_modified_build_is_said_and_no_version_made_of_it() -> None:
    modified = dating(status="modified", summary="transformers: no release matches; nearest is 4.50.0")
    found = with_dated_versions(stated(""), [modified], PACKAGES)
    assert "transformers" not in found.packages
    assert any("no release matches" in each.reason for each in found.unknown)
    on_a_dev_build = stated("transformers==4.50.0.dev0")
    assert with_dated_versions(on_a_dev_build, [modified], PACKAGES) == on_a_dev_build


def test_files_that_lie_where_no_installer_puts_them_prove_nothing() -> None:
    before = environment(transformers="4.46.3", torch="2.5.0")
    assert with_dated_versions(before, [dating("4.31.0", installed=False)], PACKAGES) == before


def frame_of(distribution: str, path: str, release: str, function: str) -> Frame:
    """A frame as that release would print it, made from the index."""
    index = index_of(distribution)
    history = index.history(path)
    state = history.by_release[index.releases.index(release)]
    assert state is not None
    found = next(each for each in history.states[state].functions() if each.name == function)
    return Frame(f"/opt/venv/lib/python3.11/site-packages/{path}", found.start, function)


def test_explain_dates_what_the_text_does_not_state(tmp_path: Any, doctor: Callable[..., Any]) -> None:
    frames = [
        frame_of("transformers", "transformers/modeling_utils.py", "5.1.0", each)
        for each in ("from_pretrained", "_load_pretrained_model", "save_pretrained")
    ]
    (dated,) = date_frames(frames)
    assert "5.1.0" in dated.candidates
    lines = [f'  File "{each.file}", line {each.line}, in {each.function}' for each in frames]
    (tmp_path / "t").write_text(
        "\n".join(["Traceback (most recent call last):", *lines, "NotImplementedError: Cannot copy out of meta tensor; no data!"])
    )
    found = doctor("explain", "t", "--format", "json", cwd=tmp_path).json["environment"]["packages"]["transformers"]
    assert found["source"] == "frames"
    assert tuple(found["candidates"]) == dated.candidates


def test_a_traceback_is_environment_enough_for_check(tmp_path: Any, check: Callable[..., Any]) -> None:
    """A maintainer's triage of an issue that states no version at all."""
    functions = ("from_pretrained", "_load_pretrained_model", "save_pretrained")
    frames = [frame_of("transformers", "transformers/modeling_utils.py", "4.51.3", each) for each in functions]
    lines = [f'  File "{each.file}", line {each.line}, in {each.function}' for each in frames]
    (tmp_path / "issue.txt").write_text("\n".join(["Traceback (most recent call last):", *lines, "NotImplementedError: no data!"]))
    report = check("--from", tmp_path / "issue.txt")
    assert report["environment"]["packages"]["transformers"]["source"] == "frames"
    assert "MT002" in {each["id"] for each in report["findings"] if each["status"] == "affected"}


def test_the_matrix_speaks_of_what_is_dated() -> None:
    assert set(PACKAGES) <= builtin_matrix().packages.keys()
