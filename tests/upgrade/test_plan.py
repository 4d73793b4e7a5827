from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from packaging.version import Version

from doctor.diagnosis.diagnosis import NO_UPGRADE_CURES, diagnose
from doctor.facts.environment import Distribution, Environment, Requirement
from doctor.knowledge.matching import match
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import Release, Releases, known_releases
from doctor.upgrade.plan import Plan
from tests.environments import environment, matrix, with_distribution


def releases(**versions: str) -> Releases:
    """Releases from text: `"1.0 2.0 3.0"`; `3.0@>=3.12` needs that Python, `2.0!` is yanked."""
    lists = {}
    for package, text in versions.items():
        found = []
        for word in text.split():
            version, _, python = word.partition("@")
            found.append(Release(Version(version.rstrip("!")), python, version.endswith("!")))
        lists[package] = tuple(found)
    return lists


def plan(known: Matrix, here: Environment, available: Releases) -> Plan:
    return diagnose(here, known, available).plan


def moves(found: Plan) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(change.package, change.to, change.clears) for change in found.changes]


HERE = environment(torch="2.9+cpu", lib="1.0")
LIB = releases(lib="1.0 2.0 2.1 3.0 4.0")


def test_the_nearest_release_that_clears_it_is_chosen_and_the_newest_named() -> None:
    found = plan(matrix("MT001 bug error lib [-,2.0)"), HERE, LIB)
    assert moves(found) == [("lib", "2.0", ("MT001",))]
    assert found.changes[0].from_ == "1.0"
    assert found.changes[0].newest_clean == "4.0"
    assert found.remaining == ()


def test_the_release_that_clears_most_is_chosen() -> None:
    found = plan(matrix("MT001 bug error lib [-,2.0)", "MT002 bug error lib [-,3.0)", "MT003 bug error lib [-,-)"), HERE, LIB)
    assert moves(found) == [("lib", "3.0", ("MT001", "MT002"))]
    assert found.remaining == ("MT003",)


def test_a_release_that_brings_something_new_is_never_chosen() -> None:
    found = plan(matrix("MT001 bug error lib [-,2.0)", "MT002 bug silent lib [2.0,3.0)"), HERE, LIB)
    assert moves(found) == [("lib", "3.0", ("MT001",))]


def test_where_every_fix_brings_something_new_nothing_is_recommended_and_the_price_is_named() -> None:
    found = plan(matrix("MT001 bug error lib [-,2.0)", "MT002 bug silent lib [2.0,-)"), HERE, LIB)
    assert moves(found) == []
    assert found.remaining == ("MT001",)
    cheapest, newest = found.alternatives
    assert (cheapest.version, cheapest.clears, cheapest.brings) == ("2.0", ("MT001",), ("MT002",))
    assert (newest.version, newest.newest, newest.brings) == ("4.0", True, ("MT002",))


def test_misuse_that_another_release_words_otherwise_does_not_stand_in_the_way() -> None:
    found = plan(matrix("MT001 bug error lib [-,2.0)", "MT002 misuse error lib [2.0,-)"), HERE, LIB)
    assert moves(found) == [("lib", "2.0", ("MT001",))]


def test_a_range_that_returns_is_not_walked_into() -> None:
    found = plan(matrix("MT001 bug silent lib [-,2.0) [2.1,4.0)"), HERE, LIB)
    assert moves(found) == [("lib", "2.0", ("MT001",))]
    assert found.changes[0].newest_clean == "4.0"


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ("1.0 2.0! 2.1", "2.1"),
        ("1.0 2.0@>=3.12 2.1@>=3.10", "2.1"),
        ("1.0 2.0@<3.11 2.1", "2.1"),
        ("1.0 10.0", None),
        ("1.0", None),
    ],
    ids=["yanked", "python too old", "python too new", "not covered by the matrix", "no later release"],
)
def test_only_releases_that_can_be_had_here_are_chosen(available: str, expected: str | None) -> None:
    found = plan(matrix("MT001 bug error lib [-,2.0)"), HERE, releases(lib=available))
    assert [change.to for change in found.changes] == ([expected] if expected else [])


def test_what_an_installed_package_declares_it_needs_is_respected() -> None:
    here = replace(HERE, requirements=(Requirement("other", "lib", "<3"),))
    known = matrix("MT001 bug error lib [-,2.0)", "MT002 bug error lib [-,3.0)")
    assert moves(plan(known, here, LIB)) == [("lib", "2.0", ("MT001",))]


def test_a_need_that_is_broken_already_does_not_bind() -> None:
    here = replace(HERE, requirements=(Requirement("other", "lib", ">=5"),))
    assert moves(plan(matrix("MT001 bug error lib [-,2.0)"), here, LIB)) == [("lib", "2.0", ("MT001",))]


def test_one_package_is_moved_where_one_is_enough() -> None:
    here = environment(torch="2.9+cpu", lib="1.0", dep="1.0")
    known = matrix('MT001 incompatibility error dep [-,2.0) when {packages: [{package: lib, ranges: [{introduced: null, fixed: "3.0"}]}]}')
    assert len(plan(known, here, releases(lib="1.0 3.0", dep="1.0 2.0")).changes) == 1


def test_several_packages_are_moved_where_it_takes_several() -> None:
    here = environment(torch="2.9+cpu", lib="1.0", dep="1.0")
    found = plan(matrix("MT001 bug error lib [-,2.0)", "MT002 bug error dep [-,2.0)"), here, releases(lib="1.0 2.0", dep="1.0 2.0"))
    assert sorted(moves(found)) == [("dep", "2.0", ("MT002",)), ("lib", "2.0", ("MT001",))]


def test_a_floor_that_pip_cannot_see_keeps_the_upgrade_below_it() -> None:
    """As transformers 5.1 with torch below 2.4: the upgrade would leave PyTorch disabled."""
    here = environment(torch="2.2+cu121", lib="1.0")
    known = matrix(
        "MT001 bug error lib [-,2.0)",
        "MT002 bug error lib [-,3.0)",
        'MT003 incompatibility error torch [-,2.4) when {packages: [{package: lib, ranges: [{introduced: "3.0", fixed: null}]}]}',
    )
    assert moves(plan(known, here, LIB)) == [("lib", "2.0", ("MT001",))]


@pytest.mark.parametrize(("version", "moved"), [("2.1.0+cpu", True), ("2.1.0+cu121", False), ("2.1.0", False), ("2.1.0+rocm5.6", False)])
def test_a_torch_that_may_hold_a_gpu_build_is_left_alone(version: str, moved: bool) -> None:
    found = plan(matrix("MT001 bug error torch [-,2.4)"), environment(torch=version), releases(torch="2.1.0 2.4.0"))
    assert bool(found.changes) is moved


def test_a_source_install_is_moved_to_a_release() -> None:
    here = with_distribution(environment(torch="2.9+cpu", lib="2.0.dev0"), "lib", origin="vcs")
    found = plan(matrix("MT001 bug error lib [2.0.dev0,2.0)"), here, LIB)
    assert moves(found) == [("lib", "2.0", ("MT001",))]


STACKS = st.fixed_dictionaries(
    {
        "transformers": st.sampled_from([str(each.version) for each in known_releases()["transformers"] if each.version >= Version("4.20")]),
        "accelerate": st.sampled_from([str(each.version) for each in known_releases()["accelerate"]]),
        "torch": st.sampled_from(["1.13.1+cpu", "2.1.0+cpu", "2.5.1+cu124", "2.13.0+cpu"]),
    }
)


@settings(max_examples=60, deadline=None)
@given(STACKS, st.sampled_from(["3.9.18", "3.10.13", "3.12.1"]))
def test_no_recommendation_of_the_built_in_matrix_brings_a_bug_or_incompatibility(versions: dict[str, str], python: str) -> None:
    known = builtin_matrix()
    here = environment(python=python, **versions)
    before = diagnose(here, known, known_releases())
    after = here
    for change in before.plan.changes:
        release = next(each for each in known_releases()[change.package] if str(each.version) == change.to)
        assert not release.yanked
        assert change.clears
        assert Version(change.to) > Version(versions[change.package].partition("+")[0])
        after = replace(after, packages={**after.packages, change.package: Distribution(change.package, change.to, "metadata")})
    held = {each.id for each in known.advisories if match(each, here)}
    holds = {each.id for each in known.advisories if match(each, after)}
    brought = [each.id for each in known.advisories if each.id in holds - held and each.kind in ("bug", "incompatibility")]
    assert brought == []
    curable = {each.id for each in known.advisories if each.kind not in NO_UPGRADE_CURES}
    assert (held - holds) & curable == {cleared for change in before.plan.changes for cleared in change.clears}
