"""From what a matrix proposes to what can really be installed: asked of a resolver, held against everything else that is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen
from doctor.fix.consistency import Complaint, complaints
from doctor.fix.home import Home
from doctor.fix.installer import Failed, Installer, Resolved
from doctor.fix.inventory import Inventory, versions_of
from doctor.upgrade.channel import torch_channel
from doctor.upgrade.proposals import Proposal, Weighing, moved_to

_MOST_ASKED = 12
"""Proposals that a resolver is asked about."""
_MOST_EXTENDED = 4
"""How many times what stands in the way is moved along."""
_CUDA_RUNTIME = ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu13", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu11")


class Step(Frozen):
    """One distribution to be changed."""

    package: str
    """Its normalised name."""
    from_: str | None
    """The version installed; None when it is not."""
    to: str
    """The version to be installed."""
    clears: tuple[str, ...]
    """Ids of the findings it is changed for; empty for what is changed only because another is."""
    because: str
    """Why, for people."""
    download: int | None
    """Bytes; None where the installer does not say."""


class Prescription(Frozen):
    """What is to be installed, and what that does."""

    steps: tuple[Step, ...]
    """In the order of their importance."""
    cures: tuple[str, ...]
    """Ids of the findings that will not hold any more."""
    keeps: tuple[str, ...]
    """Ids of the findings that will hold still."""
    brings: tuple[str, ...]
    """Ids of what did not hold, and will: it bites only what uses it."""
    index: str | None
    """The further index that torch comes from; None where the usual one has all."""
    verified: bool
    """Whether a resolver said that it can be installed; else it is what the matrix says alone."""

    @property
    def pins(self) -> tuple[str, ...]:
        """The requirements that name exactly these releases."""
        return tuple(f"{each.package}=={each.to}" for each in self.steps)


class Case(Frozen):
    """An environment, what can change it, and what the change is to do."""

    environment: Environment
    """As it was examined."""
    home: Home
    inventory: Inventory
    installer: Installer
    weighing: Weighing


class Answer(Frozen):
    """What came of asking."""

    prescription: Prescription | None
    """None where nothing can be done."""
    obstacles: tuple[str, ...]
    """Why what would have been better cannot be had, a sentence each; who stands in the way."""
    unreachable: str | None = None
    """What the installer said where the index did not answer; None where it did."""


def prescribe(found: Sequence[Proposal], case: Case) -> Answer:
    """The first of the proposals that can be installed and leaves everything else satisfied.

    A build of torch is sought where the user has installers look first, a mirror of theirs maybe, and then on PyTorch's own index.
    """
    obstacles: dict[str, None] = {}
    for proposal in found[:_MOST_ASKED]:
        for index in dict.fromkeys((None, _index(proposal, case.environment))):
            answer = _asked(proposal, case, index)
            if isinstance(answer, Prescription):
                return Answer(answer, tuple(obstacles))
            if isinstance(answer, Failed):
                return Answer(_unverified(found[0], case.environment), tuple(obstacles), answer.said)
        obstacles.setdefault(f"{_shown(proposal)}: {answer}")
    return Answer(None, tuple(obstacles))


def unverified(found: Sequence[Proposal], environment: Environment) -> Prescription | None:
    """The best proposal as it is, where no resolver can be asked."""
    return _unverified(found[0], environment) if found else None


def _asked(proposal: Proposal, case: Case, index: str | None) -> Prescription | Failed | str:
    """What a resolver makes of a proposal; a sentence where it, or what else is installed, is against it."""
    pinned = {each.package: each.to for each in proposal.targets}
    along: dict[str, Complaint] = {}
    before = {(each.dependent, each.requirement) for each in _complaints(case, {})}
    for _ in range(_MOST_EXTENDED):
        requirements = [*(f"{name}=={version}" for name, version in pinned.items()), *along]
        answer = case.installer.resolve(requirements, list(_constraints(case.inventory, {*pinned, *along})), case.home, index)
        if isinstance(answer, Failed):
            if answer.unreachable:
                return answer
            stand = "; ".join(each.sentence for each in along.values())
            return f"{stand}, and no release of it goes with that" if along else answer.said
        against = [each for each in _complaints(case, answer.versions) if (each.dependent, each.requirement) not in before]
        if not against:
            return _weighed(proposal, answer, along, case, index)
        fixed = [each for each in against if each.dependent in pinned or each.dependent in along or _is_fixed(case.inventory, each.dependent)]
        if fixed:
            return "; ".join(each.sentence for each in fixed[:3])
        along |= {each.dependent: each for each in against}
    return "; ".join(each.sentence for each in list(along.values())[:3])


def complaints_of(case: Case) -> tuple[Complaint, ...]:
    """What of all that is installed is not satisfied now."""
    return _complaints(case, {})


def _complaints(case: Case, changed: Mapping[str, str]) -> tuple[Complaint, ...]:
    """What of the distributions that stay would not be satisfied; of the others, the resolver has seen to it."""
    declared = {name: each.requires for name, each in case.inventory.items() if name not in changed}
    return complaints(declared, {**versions_of(case.inventory), **changed}, case.home.markers)


def _is_fixed(inventory: Inventory, name: str) -> bool:
    """Whether a distribution is not to be replaced by a release: it was built here, or comes from elsewhere than an index."""
    installed = inventory.get(name)
    return installed is None or installed.direct or not installed.recorded or "+" in installed.version


def _constraints(inventory: Inventory, free: set[str]) -> Iterator[str]:
    """What a resolver must leave as it is: torch, and whatever it would not find again."""
    for name, each in inventory.items():
        if name not in free and (name == "torch" or _is_fixed(inventory, name)) and _is_version(each.version):
            yield f"{name}=={each.version}"


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _weighed(proposal: Proposal, answer: Resolved, along: Mapping[str, Complaint], case: Case, index: str | None) -> Prescription | str:
    """What a resolver found, held against the matrix: it may have moved more than was proposed."""
    known = {name: version for name, version in answer.versions.items() if name in case.weighing.matrix.packages}
    weights = case.weighing.weights(moved_to(case.environment, known))
    if weights.refused:
        return f"what it needs brings {', '.join(weights.refused)}"
    if len(weights.keeps) >= len(case.weighing.findings):
        return "what it needs clears nothing"
    unable = [name for name in answer.versions if name in case.inventory and not case.inventory[name].recorded]
    if unable:
        return f"{', '.join(unable)} was installed without a list of its files, so no installer can replace it"
    too_new = _too_new_for_driver(answer, case.environment)
    if too_new:
        return too_new
    steps = tuple(_steps(proposal, answer, along, case.inventory))
    return Prescription(steps, _cured(case.weighing, weights.keeps), weights.keeps, weights.brings, index, True)


def _cured(weighing: Weighing, keeps: Sequence[str]) -> tuple[str, ...]:
    return tuple(each for each in weighing.findings if each not in keeps)


def _too_new_for_driver(answer: Resolved, environment: Environment) -> str | None:
    """What is wrong with the CUDA runtime that a new torch would bring; None when nothing is, or no driver is known."""
    driver = next((each.cuda_version for each in environment.drivers if each.vendor == "nvidia" and each.cuda_version), None)
    runtime = next((answer.versions[name] for name in _CUDA_RUNTIME if name in answer.versions), None)
    if driver is None or runtime is None or "torch" not in answer.versions:
        return None
    if _minor(runtime) <= _minor(driver):
        return None
    return f"torch {answer.versions['torch']} is built for CUDA {'.'.join(runtime.split('.')[:2])}, the driver serves up to {driver}"


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split(".")[:2] if each.isdecimal())


def _steps(proposal: Proposal, answer: Resolved, along: Mapping[str, Complaint], inventory: Inventory) -> Iterator[Step]:
    targets = {each.package: each for each in proposal.targets}
    order = [*targets, *along, *sorted(answer.versions)]
    for name in dict.fromkeys(each for each in order if each in answer.versions):
        installed, target = inventory.get(name), targets.get(name)
        if target is not None:
            because = f"clears {', '.join(target.clears)}" if target.clears else "goes with the others"
        else:
            because = f"needs {along[name].requirement} as it is" if name in along else "needed by the others"
        clears = target.clears if target is not None else ()
        yield Step(name, installed.version if installed else None, answer.versions[name], clears, because, answer.sizes.get(name))


def _unverified(proposal: Proposal, environment: Environment) -> Prescription:
    steps = (Step(each.package, each.from_, each.to, each.clears, f"clears {', '.join(each.clears)}", None) for each in proposal.targets)
    cures = tuple(dict.fromkeys(each for target in proposal.targets for each in target.clears if each not in proposal.keeps))
    return Prescription(tuple(steps), cures, proposal.keeps, proposal.brings, _index(proposal, environment), False)


def _index(proposal: Proposal, environment: Environment) -> str | None:
    """The index that has torch in this build, where torch is moved."""
    channel = torch_channel(environment) if any(each.package == "torch" for each in proposal.targets) else None
    return channel.index if channel is not None else None


def _shown(proposal: Proposal) -> str:
    return " and ".join(f"{canonicalize_name(each.package)} {each.to}" for each in proposal.targets)
