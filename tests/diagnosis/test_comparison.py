from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.diagnosis.comparison import RISKS, Difference, differences, finding_differences
from doctor.diagnosis.diagnosis import diagnose
from doctor.facts.environment import Accelerator, Disk, Driver, Environment, Memory, Platform, Python, TorchRuntime
from tests.environments import environment, matrix, with_distribution

BASE = environment(torch="2.6.0+cu124", lib="1.0", dep="1.0")
MATRIX = matrix("MT901 bug error lib [1.5,2.0)", "MT902 bug silent lib [-,1.2)")
GIB = 1024**3
WITHOUT_DEP = replace(BASE, packages={name: each for name, each in BASE.packages.items() if name != "dep"})


def _differences(*others: Environment) -> list[Difference]:
    return list(differences((BASE, *others), MATRIX))


def _with(name: str, version: str) -> Environment:
    return with_distribution(BASE, name, version=version)


def test_what_is_the_same_is_no_difference() -> None:
    assert _differences(BASE, BASE) == []


@pytest.mark.parametrize(
    ("other", "fact", "values", "risk"),
    [
        (_with("lib", "1.6"), "packages.lib.version", ("1.0", "1.6"), "boundary"),
        (_with("lib", "1.1"), "packages.lib.version", ("1.0", "1.1"), "package"),
        (_with("torch", "2.7.0+cu124"), "packages.torch.version", ("2.6.0+cu124", "2.7.0+cu124"), "stack"),
        (_with("torch", "2.6.0+cpu"), "packages.torch.version", ("2.6.0+cu124", "2.6.0+cpu"), "build"),
        (WITHOUT_DEP, "packages.dep.version", ("1.0", "not installed"), "package"),
        (with_distribution(BASE, "dep", origin="editable"), "packages.dep.version", ("1.0", "1.0 (editable)"), "package"),
        (replace(BASE, torch=replace(BASE.torch, cuda_built="12.4")), "torch.cuda_built", ("none", "12.4"), "build"),
        (replace(BASE, torch=replace(BASE.torch, cuda_available=True)), "torch.cuda_available", ("False", "True"), "accelerator"),
        (replace(BASE, accelerators=(Accelerator("cuda", "A100", "torch"),) * 2), "accelerators", ("none", "2 x A100"), "accelerator"),
        (replace(BASE, memory=Memory(64 * GIB, None, None, None)), "memory.total", ("16 GiB", "64 GiB"), "memory"),
        (replace(BASE, memory=replace(BASE.memory, limit=4 * GIB)), "memory.limit", ("none", "4 GiB"), "memory"),
        (replace(BASE, disk=Disk("/x", 9 * GIB)), "disk.free", ("1 GiB", "9 GiB"), "memory"),
        (replace(BASE, python=replace(BASE.python, version="3.12.1")), "python.version", ("3.11.7", "3.12.1"), "python"),
        (replace(BASE, platform=Platform("darwin", "6.1", "x86_64")), "platform.system", ("linux", "darwin"), "platform"),
        (replace(BASE, variables={"RANK": "1"}), "variables.RANK", ("not set", "1"), "variable"),
    ],
)  # fmt: skip
def test_one_difference(other: Environment, fact: str, values: tuple[str, ...], risk: str) -> None:
    (found,) = _differences(other)
    assert (found.fact, found.values, found.risk) == (fact, values, risk)


def test_a_boundary_names_the_advisories_between_the_versions() -> None:
    (found,) = _differences(_with("lib", "1.6"))
    assert found.advisories == ("MT901", "MT902")


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, memory=replace(BASE.memory, available=1, total=16 * GIB - 1)),
        replace(BASE, python=Python(None, None, None, None, "read from a text")),
        replace(BASE, platform=Platform("unknown", None, None)),
        replace(BASE, torch=TorchRuntime(None)),
        replace(BASE, memory=Memory(None, None, None, None), disk=Disk(None, None)),
        replace(BASE, packages={"torch": BASE.packages["torch"]}, partial=True),
        replace(BASE, drivers=(Driver("nvidia", "550.54.14", "12.4"),)),
    ],
)
def test_what_one_of_them_does_not_say_is_no_difference(other: Environment) -> None:
    assert _differences(other) == []


def test_the_riskiest_comes_first() -> None:
    other = replace(
        _with("lib", "1.6"),
        variables={"RANK": "1"},
        python=replace(BASE.python, version="3.12.1"),
        memory=Memory(64 * GIB, None, None, None),
        accelerators=(Accelerator("cuda", "A100", "torch"),),
    )
    risks = [each.risk for each in _differences(other)]
    assert risks == sorted(risks, key=RISKS.index)
    assert len(set(risks)) == 5


def test_many_ranks_are_compared_at_once() -> None:
    (found,) = _differences(BASE, _with("dep", "2.0"), BASE)
    assert found.values == ("1.0", "1.0", "2.0", "1.0")


def test_the_findings_that_only_one_side_has() -> None:
    sides = [diagnose(each, MATRIX, {}).findings for each in (BASE, _with("lib", "1.6"), _with("lib", "1.6"))]
    assert [(each.id, each.severity, each.has) for each in finding_differences(sides)] == [
        ("MT902", "silent", (True, False, False)),
        ("MT901", "error", (False, True, True)),
    ]
    assert finding_differences(sides[1:]) == ()
