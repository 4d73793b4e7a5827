"""Facts from a live interpreter: asks everything at once, waits for torch last, and puts the answers together."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.errors import DoctorError
from doctor.facts.environment import Distribution, Environment, InstallationFault, TorchRuntime, Unknown
from doctor.facts.frozen import Frozen, replace
from doctor.facts.variables import loading_variables
from doctor.knowledge.matrix import Matrix
from doctor.probe.deadline import Deadline
from doctor.probe.gpu import gpu_facts, gpu_faults, has_nvidia, start_nvml
from doctor.probe.interpreter import FACTS_TIMEOUT_SECONDS, Choice, Patient, ask_interpreter, choose_interpreter, read_interpreter
from doctor.probe.manager import environment_manager
from doctor.probe.memory import examine_disk, examine_memory
from doctor.probe.packages import Packages, examine_packages, module_in
from doctor.probe.platform import examine_platform
from doctor.probe.torch_runtime import NEVER_STARTED, NOT_ASKED, TorchFacts, start_torch, torch_facts
from doctor.probe.unfinished import unfinished_fix

if TYPE_CHECKING:
    from doctor.probe.child import Child

TORCH_TIMEOUT_SECONDS = 30.0


class Interest(Frozen):
    """What a matrix wants to know of an environment."""

    packages: tuple[str, ...]
    variables: tuple[str, ...]

    @classmethod
    def of(cls, matrix: Matrix) -> Interest:
        """What `matrix` names."""
        variables = {name for advisory in matrix.advisories for name in advisory.when.environment}
        return cls(tuple(matrix.packages), tuple(sorted(variables)))


def examine(
    python: str | None,
    interest: Interest,
    *,
    live: bool = True,
    timeout: float = TORCH_TIMEOUT_SECONDS,
    waiting: Callable[[str], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
) -> Environment:
    """Examine the interpreter at `python`, or the one the user means when it is None.

    `live=False` runs nothing of the patient's. `timeout` is what each may take, in seconds: the interpreter to start, its files to be
    read, torch to answer. `waiting(what)` is entered while torch is waited for. Raises `NoInterpreter` when there is nothing to examine
    where the user pointed.
    """
    directory = _current_folder()
    choice = choose_interpreter(python, os.environ, directory)
    with contextlib.ExitStack() as children:
        torch_child = _torch_child(choice, live, timeout)
        if not isinstance(torch_child, TorchFacts):
            children.enter_context(torch_child)
        nvml_child = children.enter_context(start_nvml()) if has_nvidia() else None
        patient = _patient(choice, live, timeout)
        if not patient.starts:
            torch_child = NEVER_STARTED
        packages = examine_packages(patient.path, interest.packages, directory, patient.python.version, Deadline.within(timeout))
        memory, disk, system = examine_memory(), examine_disk(directory), examine_platform()
        gpu = gpu_facts(nvml_child.wait() if nvml_child is not None else None)
        if isinstance(torch_child, TorchFacts):
            torch = torch_child
        else:
            with waiting("asking torch (import, CUDA)"):
                torch = torch_facts(torch_child.wait(), timeout)
    packages = _with_torch_found(packages, torch)
    assert patient.python.prefix is not None
    has_pip = any(module_in(entry, "pip") for entry in patient.path)
    return Environment(
        python=patient.python,
        platform=system,
        packages=packages.installed,
        memory=memory,
        disk=disk,
        torch=torch.runtime,
        accelerators=(*torch.accelerators, *gpu.accelerators),
        drivers=gpu.drivers,
        variables=loading_variables(os.environ, interest.variables),
        requirements=packages.requirements,
        faults=(
            *unfinished_fix(Path(patient.python.prefix)),
            *packages.faults,
            *_torch_faults(packages, torch.runtime),
            *gpu_faults(torch.runtime, gpu),
        ),
        unknown=(*patient.unknown, *packages.unknown, *_unknown_versions(packages.installed.values()), *torch.unknown, *gpu.unknown),
        manager=environment_manager(Path(patient.python.prefix), directory, packages.installed.values(), has_pip),
        partial=packages.partial,
    )


def current_choice(python: str | None) -> Patient:
    """The interpreter at `python`, or the one the user means when it is None, as `examine` chooses it: what it says of itself alone."""
    return ask_interpreter(choose_interpreter(python, os.environ, _current_folder()), os.environ)


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise DoctorError("the current folder is not there any more: start doctor from another one") from None


def _patient(choice: Choice, live: bool, timeout: float) -> Patient:
    if live:
        return ask_interpreter(choice, os.environ, min(timeout, FACTS_TIMEOUT_SECONDS))
    return read_interpreter(choice, os.environ, deadline=Deadline.within(timeout))


def _torch_child(choice: Choice, live: bool, timeout: float) -> Child | TorchFacts:
    """The child that asks torch; where none can be started, `ask_interpreter` is about to say why."""
    if not live:
        return NOT_ASKED
    try:
        return start_torch(str(choice.executable), timeout)
    except OSError as error:
        return TorchFacts(TorchRuntime(None), unknown=(Unknown("torch", str(error), important=True),))


def _with_torch_found(packages: Packages, torch: TorchFacts) -> Packages:
    """A torch that can be imported is installed, record or no record."""
    if not torch.found or "torch" in packages.installed:
        return packages
    found = Distribution("torch", torch.runtime.version, "module" if torch.runtime.version else "unknown", "directory")
    fault = InstallationFault("missing-metadata", "torch", "`import torch` finds a module that no metadata records", torch.runtime.version)
    return replace(packages, installed={**packages.installed, "torch": found}, faults=(*packages.faults, fault))


def _torch_faults(packages: Packages, torch: TorchRuntime) -> list[InstallationFault]:
    installed = packages.installed
    if "torch" in installed and torch.importable is False:
        return [InstallationFault("torch-import-fails", "torch", torch.error or "no reason was given", installed["torch"].version)]
    users = installed.keys() & {"transformers", "accelerate", "diffusers", "peft", "sentence-transformers"}
    if users and "torch" not in installed and not packages.partial:
        return [InstallationFault("torch-missing", "torch", "without torch no model can be loaded with PyTorch")]
    return []


def _unknown_versions(distributions: Iterable[Distribution]) -> list[Unknown]:
    return [
        Unknown(f"packages.{each.name}.version", "neither its metadata nor its files say", important=True)
        for each in distributions
        if each.version is None
    ]
