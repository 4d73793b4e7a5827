"""What is made of a resolver's answers, with one that answers what it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from doctor.facts.environment import Driver, Environment
from doctor.fix.home import Home
from doctor.fix.installer import Failed, Installer, Resolved
from doctor.fix.inventory import Installed
from doctor.fix.resolving import Case, prescribe
from doctor.knowledge.matrix import Matrix
from doctor.upgrade.proposals import Weighing, proposals
from tests.environments import environment, matrix
from tests.upgrade.test_plan import releases

FLOOR = 'MT001 incompatibility error torch [-,2.4) when {packages: [{package: lib, ranges: [{introduced: "3.0", fixed: null}]}]}'


class Answering(Installer):
    """Answers by what is asked for first."""

    answers: dict[str, Resolved | Failed]
    asked: list[tuple[str, ...]]

    def resolve(self, requirements: Sequence[str], constraints: Sequence[str], home: Home, index: str | None = None) -> Resolved | Failed:
        self.asked.append((*requirements, *constraints, *([index] if index else [])))
        return self.answers.get(requirements[0], Failed(False, f"there is no {requirements[0]}"))


def case(here: Environment, known: Matrix, **answers: Resolved | Failed) -> Case:
    installed = {name: Installed(name, each.version or "", Path(f"/env/{name}.dist-info"), (), False, True) for name, each in here.packages.items()}
    answered = {name.replace("_", "==", 1).replace("_", "."): each for name, each in answers.items()}
    installer = Answering("uv", (), (), (), answered, [])
    home = Home("/env/bin/python", Path("/env"), (), {}, (), True, False)
    return Case(here, home, installed, installer, Weighing(known, frozenset({"MT001"}), ("MT001",), frozenset()))


def test_torch_from_the_index_is_not_moved_to_a_cuda_that_the_driver_does_not_serve() -> None:
    here = replace(environment(torch="2.1.0", lib="3.0"), drivers=(Driver("nvidia", "535.1", "12.2"),))
    known, available = matrix(FLOOR), releases(torch="2.1.0 2.4.0 2.5.0", lib="3.0")
    newer = Resolved({"torch": "2.4.0", "nvidia-cuda-runtime-cu12": "12.4.127"}, {})
    asked = case(here, known, torch_2_4_0=newer, torch_2_5_0=newer)
    answer = prescribe(proposals(here, asked.weighing, available), asked)
    assert answer.prescription is None
    assert answer.obstacles[0] == "torch 2.4.0: torch 2.4.0 is built for CUDA 12.4, the driver serves up to 12.2"
    served = case(here, known, torch_2_4_0=Resolved({"torch": "2.4.0", "nvidia-cuda-runtime-cu12": "12.1.105"}, {}))
    found = prescribe(proposals(here, served.weighing, available), served).prescription
    assert found is not None
    assert found.pins == ("torch==2.4.0", "nvidia-cuda-runtime-cu12==12.1.105")


def test_a_build_of_torch_is_sought_on_pytorchs_index_where_the_usual_one_lacks_it() -> None:
    here, known = environment(torch="2.1.0+cu121", lib="3.0"), matrix(FLOOR)
    asked = case(here, known)
    assert prescribe(proposals(here, asked.weighing, releases(torch="2.1.0 2.4.0", lib="3.0")), asked).prescription is None
    assert isinstance(asked.installer, Answering)
    assert asked.installer.asked == [("torch==2.4.0+cu121",), ("torch==2.4.0+cu121", "https://download.pytorch.org/whl/cu121")]


def test_what_a_resolver_moves_beside_it_may_bring_nothing_either() -> None:
    known = matrix(
        "MT001 bug error lib [-,2.0)",
        'MT002 incompatibility error dep [2.0,-) when {packages: [{package: lib, ranges: [{introduced: "2.0", fixed: "3.0"}]}]}',
    )
    here = environment(torch="2.9+cpu", lib="1.0", dep="1.0")
    asked = case(here, known, lib_2_0=Resolved({"lib": "2.0", "dep": "2.0"}, {}), lib_3_0=Resolved({"lib": "3.0", "dep": "2.0"}, {}))
    answer = prescribe(proposals(here, asked.weighing, releases(lib="1.0 2.0 3.0", dep="1.0 2.0")), asked)
    assert answer.prescription is not None
    assert answer.prescription.pins == ("lib==3.0", "dep==2.0")
    assert answer.obstacles == ("lib 2.0: what it needs brings MT002",)
