from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from packaging.version import Version

from doctor.diagnosis.diagnosis import Diagnosis, diagnose
from doctor.diagnosis.finding import EVERYTHING, Narrowing
from doctor.diagnosis.policy import Known, Policy
from doctor.facts.environment import Environment, InstallationFault, Unknown
from doctor.facts.observation import Observation
from doctor.knowledge import matching
from doctor.knowledge.evidence import known_evidence, shapes_seen
from doctor.knowledge.installation import KNOWN_FAULTS
from doctor.knowledge.matrix import Advisory, Affected, PartlyAffected, When
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.knowledge.releases import Release, known_releases
from tests.environments import environment, matrix, with_distribution

HERE = environment(torch="2.9+cpu", lib="1.0")
ALL = ("MT001 bug error lib [-,2.0)", "MT002 bug silent lib [-,-)", "MT003 misuse warning torch [-,-)", "MT004 bug silent lib [-,3.0)")


def examine(here: Environment = HERE, *lines: str, narrowing: Narrowing = EVERYTHING) -> Diagnosis:
    return diagnose(here, matrix(*lines), {}, narrowing)


def ids(diagnosis: Diagnosis) -> list[str]:
    return [finding.id for finding in diagnosis.findings]


IMPORTANT = Unknown("packages.lib.version", "unreadable", important=True)
UNIMPORTANT = Unknown("disk.free", "no answer")
PAIR = "MT007 incompatibility error torch [-,3.0) when {packages: [{package: lib, ranges: [{introduced: null, fixed: null}]}]}"
"""Two packages that do not go together."""
FAULT = InstallationFault("duplicate-metadata", "lib", "two folders")


@pytest.mark.parametrize(
    ("lines", "faults", "unknown", "code"),
    [
        ((), (), (), 0),
        ((), (), (UNIMPORTANT,), 0),
        ((), (), (IMPORTANT,), 2),
        (ALL, (), (), 0),
        (ALL, (), (IMPORTANT,), 2),
        ((PAIR,), (), (), 1),
        ((PAIR,), (), (IMPORTANT,), 1),
        ((), (FAULT,), (), 1),
        ((), (FAULT,), (IMPORTANT,), 1),
    ],
)
def test_exit_code(lines: tuple[str, ...], faults: tuple[InstallationFault, ...], unknown: tuple[Unknown, ...], code: int) -> None:
    """Found what concerns somebody: 1. Not found, but a fact was missing that could have changed it: 2. Not found: 0."""
    assert examine(replace(HERE, faults=faults, unknown=unknown), *lines).exit_code == code


def test_the_worst_stands_first() -> None:
    assert ids(examine(replace(HERE, faults=(FAULT,)), *ALL)) == ["IN001", "MT002", "MT004", "MT001", "MT003"]


def test_a_sure_finding_stands_before_a_possible_one() -> None:
    here = with_distribution(HERE, "lib", origin="vcs")
    diagnosis = examine(here, "MT001 bug error lib [-,2.0)", "MT002 bug error torch [-,-)")
    assert [(each.id, each.status) for each in diagnosis.findings] == [("MT002", "affected"), ("MT001", "possible")]
    assert "comes from git" in diagnosis.findings[1].missing[0]


@pytest.mark.parametrize(
    ("narrowing", "expected"),
    [
        (Narrowing(), ["MT002", "MT004", "MT001", "MT003"]),
        (Narrowing(packages=("torch",)), ["MT003"]),
        (Narrowing(ids=("MT001", "MT004")), ["MT004", "MT001"]),
        (Narrowing(severities=("silent",)), ["MT002", "MT004"]),
        (Narrowing(packages=("lib",), severities=("error",)), ["MT001"]),
    ],
)
def test_findings_are_narrowed(narrowing: Narrowing, expected: list[str]) -> None:
    assert ids(examine(HERE, *ALL, narrowing=narrowing)) == expected


def test_the_upgrade_is_for_the_findings_asked_for() -> None:
    releases = {"lib": tuple(Release(Version(version), "") for version in ("1.0", "2.0", "3.0"))}
    asked = diagnose(HERE, matrix(*ALL), releases, Narrowing(ids=("MT001",)), policy=Policy(strict=True))
    assert [(change.to, change.clears) for change in asked.plan.changes] == [("2.0", ("MT001",))]


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("MT001 bug error lib [-,2.0)", "Fixed in lib 2.0, but no release with the fix can be recommended here. Go round it."),
        ("MT001 bug error lib [-,-)", "No release of lib fixes this yet. Go round it."),
        ("MT001 misuse error lib [-,-)", "No upgrade cures this. Go round it."),
        ("MT001 resource error lib [-,-)", "No upgrade cures this. Go round it."),
    ],
)
def test_the_remedy_says_what_an_upgrade_does(line: str, remedy: str) -> None:
    (finding,) = examine(HERE, line).findings
    assert finding.remedy == remedy


def test_the_remedy_is_the_recommended_release_not_the_one_where_another_problem_begins() -> None:
    releases = {"lib": tuple(Release(Version(version), "") for version in ("1.0", "2.0", "3.0"))}
    diagnosis = diagnose(HERE, matrix("MT001 bug error lib [-,2.0)", "MT002 bug silent lib [2.0,3.0)"), releases)
    (finding,) = diagnosis.findings
    assert finding.fixed_in == "2.0"
    assert finding.remedy == "Upgrade lib to 3.0. Without upgrading: go round it."


def test_where_a_release_has_it_in_some_shapes_only_the_remedy_says_which() -> None:
    """And it goes where none of them fails, not where the first one stops."""
    releases = {"lib": tuple(Release(Version(version), "") for version in ("1.0", "1.5", "2.0"))}
    known = matrix("MT001 bug error lib [-,2.0)")
    (advisory,) = known.advisories
    part = PartlyAffected(Version("1.5"), Version("2.0"), ("sharded",), "where it is saved into several files")
    known = replace(known, advisories=(replace(advisory, affected=(replace(advisory.affected[0], partly=(part,)),)),))
    said = "Upgrade lib to 2.0. Without upgrading: go round it."
    for installed, remedy in (("1.0", said), ("1.5", f"lib 1.5 has it only where it is saved into several files. {said}")):
        (finding,) = diagnose(environment(torch="2.9", lib=installed), known, releases).findings
        assert finding.remedy == remedy


PARTS = [(advisory, affected, part) for advisory in builtin_matrix().advisories for affected in advisory.affected for part in affected.partly]


@pytest.mark.parametrize(("advisory", "affected", "part"), PARTS, ids=[f"{each[0].id}-{each[2].introduced}" for each in PARTS])
def test_of_a_release_that_has_it_in_some_shapes_doctor_says_when(advisory: Advisory, affected: Affected, part: PartlyAffected) -> None:
    """And where it goes, no shape was seen to fail."""
    release = next(each.version for each in known_releases()[affected.package] if each.version in part and not each.yanked)
    known = replace(builtin_matrix(), advisories=(replace(advisory, when=When()),))
    (finding,) = diagnose(environment(**{"torch": "2.9.0", affected.package: str(release)}), known, known_releases()).findings
    assert f"{affected.package} {release} has it only {part.only[:20]}" in finding.remedy
    if finding.fixed_in is not None:
        seen = shapes_seen(advisory, affected.package, known_evidence()).get(Version(finding.fixed_in))
        assert seen is None or not seen["reproduced"]


def test_a_torch_whose_build_could_change_is_left_to_the_user() -> None:
    releases = {"torch": tuple(Release(Version(version), "") for version in ("2.1.0", "2.4.0"))}
    diagnosis = diagnose(environment(torch="2.1.0+cu121"), matrix("MT001 incompatibility error torch [-,2.4.0)"), releases)
    assert diagnosis.plan.changes == ()
    assert diagnosis.findings[0].remedy.startswith("Fixed in torch 2.4.0: install it in the build for this machine")


def test_no_upgrade_is_recommended_for_what_no_upgrade_cures() -> None:
    releases = {"lib": tuple(Release(Version(version), "") for version in ("1.0", "2.0"))}
    for kind in ("misuse", "resource"):
        diagnosis = diagnose(HERE, matrix(f"MT001 {kind} error lib [-,2.0)"), releases)
        assert diagnosis.plan.changes == ()
        assert diagnosis.findings[0].fixed_in is None


def test_a_release_newer_than_the_matrix_is_not_covered_and_never_healthy() -> None:
    diagnosis = examine(environment(torch="2.9+cpu", lib="9.1"))
    assert [each.reason for each in diagnosis.unknown] == ["lib 9.1 is not covered by this matrix (checked up to 9.0); doctor confirm tries it there"]
    assert diagnosis.exit_code == 2


def test_coverage_of_a_package_not_asked_about_does_not_matter() -> None:
    assert examine(environment(torch="2.9+cpu", lib="9.1"), narrowing=Narrowing(packages=("torch",))).exit_code == 0


def test_a_package_whose_version_could_not_be_had_is_never_healthy() -> None:
    assert examine(environment(torch="2.9+cpu", lib=None)).exit_code == 2


def test_without_torch_no_advisory_can_bite() -> None:
    assert ids(examine(environment(lib="1.0", transformers="4.0"), *ALL)) == []


def test_torch_that_a_text_does_not_name_may_be_there() -> None:
    assert ids(examine(replace(environment(lib="1.0"), partial=True), *ALL)) == ["MT002", "MT004", "MT001"]
    assert ids(examine(replace(environment(lib="1.0"), partial=True, absent=("torch",)), *ALL)) == []


def test_of_a_package_named_without_its_version_only_what_every_version_has_is_reported() -> None:
    here = with_distribution(environment(torch="2.9+cpu", lib=None), "lib", source="text")
    assert ids(examine(here, *ALL)) == ["MT002", "MT003"]
    assert ids(examine(environment(torch="2.9+cpu", lib=None), *ALL)) == ["MT002", "MT004", "MT001", "MT003"]


def test_a_version_that_is_unknown_for_a_reason_is_said_once() -> None:
    here = replace(environment(torch="2.9+cpu", lib=None), unknown=(IMPORTANT,))
    assert examine(here).unknown == (IMPORTANT,)


def test_an_upgrade_is_chosen_as_if_no_variable_were_set_that_a_text_does_not_name() -> None:
    releases = {"lib": tuple(Release(Version(version), "") for version in ("1.0", "2.0", "3.0"))}
    lines = (
        "MT001 bug error lib [-,3.0)",
        "MT002 bug error lib [3.0,-) when {environment: {RANK: []}}",
        "MT003 bug error lib [-,2.0) when {environment: {RANK: []}}",
    )
    diagnosis = diagnose(replace(HERE, variables_known=False), matrix(*lines), releases, policy=Policy(strict=True))
    assert [(change.to, change.clears) for change in diagnosis.plan.changes] == [("3.0", ("MT001",))]
    assert {each.id: (each.status, each.remedy) for each in diagnosis.findings} == {
        "MT001": ("affected", "Upgrade lib to 3.0. Without upgrading: go round it."),
        "MT003": ("possible", "Fixed in lib 2.0. Go round it."),
    }


def test_an_environment_without_the_stack_is_probably_not_the_one_meant() -> None:
    diagnosis = examine(environment(lib="1.0"))
    assert diagnosis.exit_code == 2
    assert "is this the environment you mean?" in diagnosis.unknown[0].reason


def test_every_known_fault_makes_a_finding_with_a_remedy() -> None:
    for slug, known in KNOWN_FAULTS.items():
        (finding,) = examine(replace(HERE, faults=(InstallationFault(slug, "lib", "what was seen", "1.0"),))).findings
        assert (finding.id, finding.slug, finding.kind, finding.trigger) == (known.id, slug, "installation", "what was seen")
        assert "{" not in finding.title + finding.remedy
    assert len({known.id for known in KNOWN_FAULTS.values()}) == len(KNOWN_FAULTS)


SET = "MT008 bug error lib [-,-) when {environment: {WORLD_SIZE: []}}"


@pytest.mark.parametrize(
    ("line", "here", "observations", "symptoms", "concerns"),
    [
        ("MT001 bug error lib [-,2.0)", HERE, (), (), "exposure"),
        ("MT001 misuse error torch [-,-)", HERE, (), (), "exposure"),
        ("MT001 incompatibility error lib [-,2.0)", HERE, (), (), "exposure"),
        (PAIR.replace("MT007", "MT001"), HERE, (), (), "environment"),
        (SET.replace("MT008", "MT001"), replace(HERE, variables={"WORLD_SIZE": "2"}), (), (), "environment"),
        (SET.replace("MT008", "MT001"), replace(HERE, variables_known=False), (), (), "exposure"),
        (PAIR.replace("MT007", "MT001"), with_distribution(HERE, "torch", origin="vcs"), (), (), "possible-use"),
        ("MT001 bug error lib [-,2.0)", HERE, (Observation("MT001", "reproduced", "x"),), (), "environment"),
        ("MT001 bug error lib [-,2.0)", HERE, (Observation("MT001", "not reproduced", "x"),), (), "exposure"),
        ("MT001 bug error lib [-,2.0)", HERE, (), ("MT001",), "program"),
    ],
)
def test_whom_a_finding_concerns(
    line: str, here: Environment, observations: tuple[Observation, ...], symptoms: tuple[str, ...], concerns: str
) -> None:
    (finding,) = diagnose(here, matrix(line), {}, observations=observations, symptoms=symptoms).findings
    assert finding.concerns == concerns


@pytest.mark.parametrize(
    ("policy", "counted"),
    [
        (Policy(), ["MT007"]),
        (Policy(strict=True), ["MT007", "MT001"]),
        (Policy(ignored=("MT007",)), []),
        (Policy(strict=True, ignored=("MT001",)), ["MT007"]),
        (Policy(baseline=(Known("MT007", "torch", "environment"),)), []),
        (Policy(baseline=(Known("MT007", "torch", "exposure"),)), ["MT007"]),
        (Policy(strict=True, baseline=(Known("MT001", "lib", "program"),)), ["MT007"]),
        (Policy(baseline=(Known("MT007", "lib", "environment"),)), ["MT007"]),
    ],
)
def test_what_counts(policy: Policy, counted: list[str]) -> None:
    diagnosis = diagnose(HERE, matrix(PAIR, "MT001 bug error lib [-,2.0)"), {}, policy=policy)
    assert [each.id for each in diagnosis.counted] == counted


def test_an_exposure_calls_for_no_upgrade_and_does_not_stand_in_the_way_of_one() -> None:
    releases = {"torch": tuple(Release(Version(version), "") for version in ("2.9", "3.0", "3.1"))}
    known = matrix(
        PAIR, "MT001 bug error torch [-,-)", "MT002 bug silent torch [3.0,-)", checked='{torch: {checked_up_to: "9"}, lib: {checked_up_to: "9"}}'
    )
    (change,) = diagnose(HERE, known, releases).plan.changes
    assert (change.to, change.clears, change.brings) == ("3.0", ("MT007",), ("MT002",))
    assert diagnose(HERE, known, releases, policy=Policy(strict=True)).plan.changes == ()


def test_where_the_first_release_with_the_fix_is_passed_over_it_is_said_why() -> None:
    releases = {"lib": tuple(Release(Version(version), "") for version in ("1.0", "2.0", "3.0"))}
    found = diagnose(HERE, matrix("MT001 bug error lib [-,2.0)", "MT002 bug error lib [2.0,3.0)"), releases, policy=Policy(strict=True))
    (change,) = found.plan.changes
    assert change.to == "3.0"
    assert change.passed_over is not None
    assert (change.passed_over.version, change.passed_over.brings) == ("2.0", ("MT002",))


def test_each_advisory_is_held_against_the_environment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a diagnosis costs grows with the matrix: whom it concerns, the upgrade and the remedy ask for no second look."""
    looks: Counter[str] = Counter()
    look = matching._affected_matches

    def counted(advisory: Advisory, here: Environment) -> Iterator[matching.Match]:
        looks[advisory.id] += 1
        return look(advisory, here)

    monkeypatch.setattr(matching, "_affected_matches", counted)
    examine(HERE, *ALL)
    assert looks == {"MT001": 1, "MT002": 1, "MT003": 1, "MT004": 1}


def test_a_diagnosis_prints_as_a_few_lines() -> None:
    diagnosis = examine(HERE, PAIR, "MT001 bug error lib [-,2.0)")
    first, second, third = str(diagnosis).splitlines()
    assert first == "[!!] 1 thing is wrong with this environment."
    assert second.startswith("MT007 error: the title of MT007.")
    assert third == "1 known trap lies in these releases and bites only what uses it."
    assert diagnosis._repr_html_().startswith("<div><strong>[!!] 1 thing is wrong")
