from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from doctor.facts.environment import Origin, Platform, TorchRuntime
from doctor.knowledge.matching import accelerator_kinds, match
from tests.environments import environment, matrix, with_distribution


@pytest.mark.parametrize(
    ("line", "version", "expected"),
    [
        ("MT001 bug error lib [1.0,2.0)", "1.5", "2.0"),
        ("MT001 bug error lib [1.0,2.0)", "2.0", None),
        ("MT001 bug error lib [1.0,2.0) [3.0,4.0)", "3.5", "4.0"),
        ("MT001 bug error lib [1.0,2.0) [3.0,4.0)", "2.5", None),
        ("MT001 bug error lib [1.0,-)", "7.0", "none"),
        ("MT001 bug error lib [-,-)", "7.0", "none"),
        ("MT001 bug error dep [-,-)", "7.0", None),
    ],
)
def test_the_installed_version_decides(line: str, version: str, expected: str | None) -> None:
    found = match(matrix(line).advisories[0], environment(lib=version))
    assert (None if found is None else str(found.fixed_in or "none")) == expected
    assert found is None or found.missing == ()


CONDITIONS = [
    ('{packages: [{package: dep, ranges: [{introduced: "1.0", fixed: "2.0"}]}]}', {"dep": "1.5"}, True),
    ('{packages: [{package: dep, ranges: [{introduced: "1.0", fixed: "2.0"}]}]}', {"dep": "2.5"}, False),
    ('{packages: [{package: dep, ranges: [{introduced: "1.0", fixed: "2.0"}]}]}', {}, False),
    ("{packages: [{package: dep, installed: true}]}", {"dep": "1"}, True),
    ("{packages: [{package: dep, installed: true}]}", {}, False),
    ("{packages: [{package: dep, installed: false}]}", {}, True),
    ("{packages: [{package: dep, installed: false}]}", {"dep": "1"}, False),
    ('{python: [{introduced: "3.11", fixed: null}]}', {}, True),
    ('{python: [{introduced: "3.12", fixed: null}]}', {}, False),
    ("{platform: [linux]}", {}, True),
    ("{platform: [darwin, windows]}", {}, False),
    ("{accelerator: [none]}", {}, True),
    ("{accelerator: [cuda]}", {}, False),
    ("{environment: {WORLD_SIZE: []}}", {}, False),
]


@pytest.mark.parametrize(("when", "others", "holds"), CONDITIONS)
def test_every_condition_must_hold(when: str, others: dict[str, str], holds: bool) -> None:
    advisory = matrix(f"MT001 bug error lib [-,-) when {when}").advisories[0]
    assert (match(advisory, environment(lib="1.0", **others)) is not None) is holds


@pytest.mark.parametrize(
    ("values", "value", "holds"),
    [("[]", "2", True), ("['2']", "2", True), ("['2']", "3", False), ("['true', '1']", "True", True)],
)
def test_a_variable_may_be_asked_for_by_value(values: str, value: str, holds: bool) -> None:
    advisory = matrix(f"MT001 bug error lib [-,-) when {{environment: {{WORLD_SIZE: {values}}}}}").advisories[0]
    here = replace(environment(lib="1.0"), variables={"WORLD_SIZE": value})
    assert (match(advisory, here) is not None) is holds


def test_an_unknown_version_makes_it_possible_and_names_the_fact() -> None:
    found = match(matrix("MT001 bug error lib [1.0,2.0)").advisories[0], environment(lib=None))
    assert found is not None
    assert found.missing == ("the version of lib",)


def test_a_version_that_is_not_pep_440_makes_it_possible_and_is_shown() -> None:
    found = match(matrix("MT001 bug error lib [1.0,2.0)").advisories[0], environment(lib="4.x-custom"))
    assert found is not None
    assert "'4.x-custom' is not a PEP 440 version" in found.missing[0]


def test_an_unknown_version_does_not_matter_where_every_version_is_affected() -> None:
    found = match(matrix("MT001 misuse silent lib [-,-)").advisories[0], environment(lib=None))
    assert found is not None
    assert found.missing == ()


@pytest.mark.parametrize(("origin", "sure"), [("index", True), ("archive", True), ("vcs", False), ("editable", False), ("directory", False)])
def test_a_source_install_is_its_base_version_plus_doubt(origin: Origin, sure: bool) -> None:
    here = with_distribution(environment(lib="1.5"), "lib", origin=origin)
    found = match(matrix("MT001 bug error lib [1.0,2.0)").advisories[0], here)
    assert found is not None
    assert (found.missing == ()) is sure


def test_what_torch_did_not_say_leaves_an_accelerator_condition_open() -> None:
    advisory = matrix("MT001 bug error lib [-,-) when {accelerator: [cuda]}").advisories[0]
    found = match(advisory, replace(environment(lib="1.0"), torch=TorchRuntime(None)))
    assert found is not None
    assert found.missing == ("the accelerators torch can use",)


PARTIAL = replace(environment(lib="1.0"), partial=True, absent=("gone",), variables_known=False, platform=Platform("unknown", None, None))


@pytest.mark.parametrize(
    ("when", "missing"),
    [
        ('{packages: [{package: dep, ranges: [{introduced: "1.0", fixed: "2.0"}]}]}', "whether dep is installed in an affected version"),
        ("{packages: [{package: dep, installed: true}]}", "whether dep is installed"),
        ("{packages: [{package: dep, installed: false}]}", "whether dep is installed"),
        ("{packages: [{package: gone, installed: false}]}", None),
        ("{packages: [{package: lib, installed: true}]}", None),
        ("{platform: [linux]}", "the operating system"),
        ("{environment: {WORLD_SIZE: []}}", "whether WORLD_SIZE is set"),
    ],
)
def test_what_a_text_does_not_say_leaves_a_condition_open(when: str, missing: str | None) -> None:
    known = "{torch: {checked_up_to: '2.9'}, lib: {checked_up_to: '9.0'}, dep: {checked_up_to: '9.0'}, gone: {checked_up_to: null}}"
    found = match(matrix(f"MT001 bug error lib [-,-) when {when}", checked=known).advisories[0], PARTIAL)
    assert found is not None
    assert found.missing == ((missing,) if missing else ())


def test_what_a_text_says_is_not_installed_fails_a_condition() -> None:
    known = "{lib: {checked_up_to: '9.0'}, gone: {checked_up_to: null}}"
    assert (
        match(matrix("MT001 bug error lib [-,-) when {packages: [{package: gone, installed: true}]}", checked=known).advisories[0], PARTIAL) is None
    )


def test_an_affected_package_that_a_text_does_not_name_is_no_match() -> None:
    assert match(matrix("MT001 bug error dep [-,-)").advisories[0], PARTIAL) is None


@pytest.mark.parametrize(("system", "open_"), [("linux", False), ("darwin", True), ("unknown", True)])
def test_without_cuda_mps_is_open_where_there_may_be_a_mac(system: Any, open_: bool) -> None:
    here = replace(environment(lib="1.0"), torch=TorchRuntime(True, cuda_available=False), platform=Platform(system, None, None))
    assert (accelerator_kinds(here) is None) is open_


def test_a_condition_that_fails_outweighs_one_that_is_open() -> None:
    advisory = matrix("MT001 bug error lib [-,-) when {accelerator: [cuda], platform: [darwin]}").advisories[0]
    assert match(advisory, replace(environment(lib="1.0"), torch=TorchRuntime(None))) is None


@pytest.mark.parametrize(
    ("torch", "holds"),
    [
        (TorchRuntime(True, cuda_available=True, cuda_built="12.8"), {"cuda"}),
        (TorchRuntime(True, cuda_available=True, hip_built="6.2"), {"rocm"}),
        (TorchRuntime(True, cuda_available=False, mps_available=True), {"mps"}),
        (TorchRuntime(True, cuda_available=False, xpu_available=True), {"xpu"}),
        (TorchRuntime(True, cuda_available=False), {"none"}),
    ],
)
def test_accelerators_are_what_torch_can_use(torch: TorchRuntime, holds: set[str]) -> None:
    here = replace(environment(lib="1.0"), torch=torch)
    for kind in ("cuda", "rocm", "mps", "xpu", "none"):
        advisory = matrix(f"MT001 bug error lib [-,-) when {{accelerator: [{kind}]}}").advisories[0]
        assert (match(advisory, here) is not None) is (kind in holds)
