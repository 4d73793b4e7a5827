from __future__ import annotations

from collections.abc import Callable

from packaging.version import Version

from doctor.diagnosis.aim import Aim, aim, assumed
from doctor.diagnosis.diagnosis import Diagnosis, diagnose
from doctor.diagnosis.finding import Finding
from doctor.facts.environment import Environment
from doctor.knowledge.matching import holding
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import Releases, known_releases
from doctor.upgrade.proposals import Proposal, Weighing, proposals
from tests.environments import environment, matrix, with_distribution
from tests.upgrade.test_plan import LIB, releases

HERE = environment(torch="2.9+cpu", lib="2.1")


def aimed_at(diagnosis: Diagnosis, known: Matrix, wanted: Callable[[Finding], bool], *, strict: bool) -> Aim:
    before = assumed(diagnosis.environment)
    return aim(before, holding(before, known), known, diagnosis.findings, wanted, met=(), strict=strict)


def proposed(known: Matrix, here: Environment, available: Releases, *, latest: bool = False) -> tuple[Proposal, ...]:
    """The proposals for all that holds; nothing may be brought."""
    diagnosis = diagnose(here, known, available)
    aimed = aimed_at(diagnosis, known, lambda _: True, strict=True)
    return proposals(aimed.environment, Weighing(known, aimed.held, aimed.targets, aimed.tolerated), available, latest=latest)


def best(found: tuple[Proposal, ...]) -> dict[str, str]:
    return {each.package: each.to for each in found[0].targets} if found else {}


def test_the_nearest_newer_release_is_first_and_with_latest_the_newest() -> None:
    known = matrix("MT001 bug error lib [-,3.0)")
    assert best(proposed(known, HERE, LIB)) == {"lib": "3.0"}
    assert best(proposed(known, HERE, LIB, latest=True)) == {"lib": "4.0"}


def test_where_only_an_older_release_is_clean_it_goes_back_to_the_nearest() -> None:
    assert best(proposed(matrix("MT001 bug error lib [2.1,-)"), HERE, LIB)) == {"lib": "2.0"}


def test_a_newer_release_goes_before_an_older_one() -> None:
    assert best(proposed(matrix("MT001 bug error lib [2.1,4.0)"), HERE, LIB)) == {"lib": "4.0"}


def test_where_nothing_helps_nothing_is_proposed() -> None:
    assert proposed(matrix("MT001 bug error lib [-,-)"), HERE, LIB) == ()


def test_what_one_package_cannot_do_alone_two_do() -> None:
    """As transformers 5, which needs a newer accelerate than it says: each move alone brings something."""
    here = environment(torch="2.9+cpu", lib="1.0", dep="1.0")
    known = matrix(
        "MT001 bug error lib [-,2.0)",
        'MT002 incompatibility error dep [-,2.0) when {packages: [{package: lib, ranges: [{introduced: "2.0", fixed: null}]}]}',
        'MT003 incompatibility error lib [-,2.0) when {packages: [{package: dep, ranges: [{introduced: "2.0", fixed: null}]}]}',
    )
    assert best(proposed(known, here, releases(lib="1.0 2.0", dep="1.0 2.0"))) == {"lib": "2.0", "dep": "2.0"}


def test_torch_is_left_alone_where_another_move_does_it_and_moved_in_its_own_build_where_none_does() -> None:
    condition = 'when {packages: [{package: lib, ranges: [{introduced: "3.0", fixed: "4.0"}]}]}'
    known = matrix(f"MT001 incompatibility error torch [-,2.4) {condition}")
    available = releases(torch="2.1.0 2.4.0", lib="3.0 4.0")
    assert best(proposed(known, environment(torch="2.1.0+cu121", lib="3.0"), available)) == {"lib": "4.0"}
    without_lib = releases(torch="2.1.0 2.4.0", lib="3.0")
    assert best(proposed(known, environment(torch="2.1.0+cu121", lib="3.0"), without_lib)) == {"torch": "2.4.0+cu121"}
    for build in ("2.1.0a0+40ec155e58.nv23.3", "2.1.0+computecanada"):
        assert proposed(known, environment(torch=build, lib="3.0"), without_lib) == ()
    by_conda = with_distribution(environment(torch="2.1.0", lib="3.0"), "torch", installer="conda")
    assert proposed(known, by_conda, without_lib) == ()


def test_a_release_that_this_python_cannot_run_or_that_was_withdrawn_is_not_proposed() -> None:
    known = matrix("MT001 bug error lib [-,3.0)")
    assert best(proposed(known, HERE, releases(lib="2.1 3.0! 3.1@>=3.12 3.2"))) == {"lib": "3.2"}


def test_of_the_built_in_matrix_the_first_proposal_clears_no_less_than_the_plan() -> None:
    known = builtin_matrix()
    for versions in (("4.46.3", "0.21.0"), ("5.3.0", "0.21.0"), ("4.31.0", "0.20.0"), ("5.0.0", "1.1.0")):
        here = environment(torch="2.13.0+cpu", transformers=versions[0], accelerate=versions[1])
        diagnosis = diagnose(here, known, known_releases())
        aimed = aimed_at(diagnosis, known, diagnosis.policy.counts, strict=False)
        found = proposals(aimed.environment, Weighing(known, aimed.held, aimed.targets, aimed.tolerated), known_releases())
        assert len(found[0].keeps) <= len(diagnosis.plan.remaining)
        assert {each.package: Version(each.to) for each in found[0].targets}
        assert set(diagnosis.fixable) >= {each for change in diagnosis.plan.changes for each in change.clears}
