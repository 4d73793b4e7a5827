"""What torch itself answers, asked in a child process of the patient's interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from doctor.facts.environment import Accelerator, AcceleratorKind, TorchRuntime, Unknown
from doctor.facts.frozen import Frozen, field_names
from doctor.knowledge import schema
from doctor.probe.answers import Device, json_answers, last_line, one_line

if TYPE_CHECKING:
    from doctor.probe.child import Child, Outcome

_MOST_BYTES = 2**60
"""More memory than any device has."""


class TorchFacts(Frozen):
    """What the child of `start_torch` found out."""

    runtime: TorchRuntime
    accelerators: tuple[Accelerator, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    found: bool = False
    """Whether `import torch` finds anything, installed properly or not."""


class _Answers(Frozen):
    """The lines torch_facts.py prints, joined; a line never reached leaves its default."""

    found: bool | None = None
    importable: bool | None = None
    version: str | None = None
    cuda_built: str | None = None
    hip_built: str | None = None
    cuda_available: bool | None = None
    cuda_unavailable_because: str | None = None
    devices: tuple[Device, ...] = ()
    arch_list: tuple[str, ...] = ()
    mps_available: bool | None = None
    xpu_available: bool | None = None
    xpu_devices: tuple[Device, ...] = ()
    default_dtype: str | None = None
    default_device: str | None = None
    step: str | None = None
    error: str | None = None


NEVER_STARTED = TorchFacts(TorchRuntime(None), unknown=(Unknown("torch", "torch was not asked: its Python does not start", important=True),))
NOT_ASKED = TorchFacts(TorchRuntime(None), unknown=(Unknown("torch", "torch was not asked: --no-live"),))


def start_torch(executable: str, timeout: float) -> Child:
    """Start asking torch; `timeout` in seconds. Raises OSError when the interpreter cannot be started."""
    from doctor.probe.child import INSIDE, Child, script_command

    return Child(script_command(executable, INSIDE / "torch_facts.py", timeout), timeout)


def torch_facts(outcome: Outcome, timeout: float) -> TorchFacts:
    """What the child said before it ended, and why it said no more."""
    answers = _answers(json_answers(outcome.stdout))
    if answers.found is False:
        return TorchFacts(TorchRuntime(False, error="No module named 'torch'"))
    failure = _failure(answers, outcome, timeout)
    if answers.found is None:
        return TorchFacts(TorchRuntime(None, error=failure), unknown=(Unknown("torch", failure or "the probe gave no answer", important=True),))
    if not answers.importable:
        error = failure or "the probe gave no answer"
        return TorchFacts(TorchRuntime(False, error=error), unknown=(Unknown("torch", f"torch cannot be imported: {error}"),), found=True)
    runtime = TorchRuntime(**{**{name: getattr(answers, name) for name in field_names(TorchRuntime)}, "error": failure})
    unknown = (Unknown(f"torch ({answers.step})", failure, important=True),) if failure else ()
    return TorchFacts(runtime, tuple(_accelerators(answers)), unknown, found=True)


def _answers(data: Mapping[str, Any]) -> _Answers:
    known = set(field_names(_Answers))
    said = {key: _bounded(value) for key, value in data.items() if key in known}
    wrong = {mismatch.path[0] for mismatch in schema.mismatches(_Answers, said)}
    answers: _Answers = schema.construct(_Answers, {key: value for key, value in said.items() if key not in wrong})
    return answers


def _bounded(value: Any) -> Any:
    """`value` with every text in it one short line, and no number too great to be shown."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, list):
        return [_bounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _bounded(item) for key, item in value.items()}
    return None if isinstance(value, int) and not 0 <= value < _MOST_BYTES else value


def _failure(answers: _Answers, outcome: Outcome, timeout: float) -> str | None:
    """Why the child did not get to the end, in one line; None when it did."""
    if answers.step == "done":
        return None
    if outcome.timed_out:  # Before the error, which is then the interruption that ended it.
        return f"{answers.step or 'the interpreter'} did not finish within {timeout:g} s (--timeout gives it longer)"
    if answers.error:
        return answers.error
    said = last_line(outcome.stderr)
    return f"{answers.step or 'the interpreter'} ended the process with {outcome.ending}" + (f" ({said})" if said else "")


def _accelerators(answers: _Answers) -> list[Accelerator]:
    kind: AcceleratorKind = "rocm" if answers.hip_built else "cuda"
    found = [_accelerator(kind, device) for device in answers.devices]
    found += [_accelerator("xpu", device) for device in answers.xpu_devices]
    if answers.mps_available:
        found.append(Accelerator("mps", "Apple GPU", "torch"))
    return found


def _accelerator(kind: AcceleratorKind, device: Device) -> Accelerator:
    return Accelerator(kind, device.name, "torch", device.memory_total, device.memory_free, device.compute_capability)
