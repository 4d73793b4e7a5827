"""The document of `doctor explain`, as types: its JSON Schema is generated from these. Names here are a public promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from doctor.diagnosis.diagnosis import fault_finding
from doctor.diagnosis.finding import Finding
from doctor.explain.explanation import Explanation, LikelyCause
from doctor.facts.environment import Environment
from doctor.facts.symptom import Frame
from doctor.knowledge.matrix import Matrix
from doctor.reports.document import MatrixSummary, SchemaVersion
from doctor.reports.redact import Redactor
from doctor.version import __version__

UNKNOWN = 3
"""The exit code when a failure was found, but no cause of it."""


@dataclass(frozen=True, slots=True)
class FailureReport:
    """One failure."""

    exception: str | None
    message: str
    frames: tuple[Frame, ...]
    """Outermost first."""
    line: int
    """Where it begins in the text, from 1."""
    count: int
    """How often the text holds it."""
    outcome: Literal["explained", "doubtful", "unknown"]
    """`explained`: the first cause is likelier than everything else together; `doubtful`: causes fit, none surely; `unknown`: none fits."""
    causes: tuple[LikelyCause, ...]
    """Surest first."""


@dataclass(frozen=True, slots=True)
class ExplanationReport:
    """`doctor explain --format json`."""

    schema_version: SchemaVersion
    document: Literal["explanation"]
    doctor_version: str
    matrix: MatrixSummary
    environment: Environment
    """As the text states it; `environment.sources` says where each fact was read."""
    failures: tuple[FailureReport, ...]
    """The one that is surest explained first."""
    findings: tuple[Finding, ...]
    """What contradicts itself: a stated version that the traceback cannot come from; with `--here`, faults of the installation as well."""
    warnings: tuple[str, ...]
    """Advice in the text that does harm."""
    send: tuple[str, ...]
    """When a cause is not sure: what would be needed, and where to send it."""
    exit_code: int


def explanation_report(explanation: Explanation, matrix: Matrix, redactor: Redactor) -> ExplanationReport:
    """The report on an explanation, masked by `redactor`."""
    explanation = redactor.value(explanation)
    failures = tuple(
        FailureReport(
            exception=each.failure.exception,
            message=each.failure.message,
            frames=each.failure.frames,
            line=each.failure.line,
            count=each.failure.count,
            outcome="explained" if each.sure else "doubtful" if each.causes else "unknown",
            causes=each.causes,
        )
        for each in explanation.failures
    )
    return ExplanationReport(
        schema_version=2,
        document="explanation",
        doctor_version=__version__,
        matrix=MatrixSummary(matrix.version, len(matrix.advisories)),
        environment=explanation.environment,
        failures=failures,
        findings=tuple(fault_finding(each) for each in explanation.environment.faults),
        warnings=explanation.warnings,
        send=_send(failures, explanation.environment),
        exit_code=_exit_code(failures),
    )


def _exit_code(failures: tuple[FailureReport, ...]) -> int:
    if not failures:
        return 0
    return 1 if any(each.causes for each in failures) else UNKNOWN


def _send(failures: tuple[FailureReport, ...], environment: Environment) -> tuple[str, ...]:
    """What is missing, most telling first."""
    if not failures or failures[0].outcome == "explained":
        return ()
    wanted = []
    if not any(each.frames for each in failures):
        wanted.append("the whole traceback, from its first line to its last")
    unknown = [name for name in ("torch", "transformers", "accelerate") if name not in environment.packages]
    if unknown:
        wanted.append(f"the version of {', '.join(unknown)}")
    wanted.append("the lines that load the model (device_map, low_cpu_mem_usage, quantization) and what is done with it next")
    wanted.append("model.hf_device_map, and the names of the parameters left on meta: [n for n, p in model.named_parameters() if p.is_meta]")
    wanted.append(f"Send them to {_tracker(failures[0])}")
    return tuple(wanted)


_TRACKERS = {
    "transformers": "https://github.com/huggingface/transformers/issues",
    "accelerate": "https://github.com/huggingface/accelerate/issues",
    "diffusers": "https://github.com/huggingface/diffusers/issues",
    "peft": "https://github.com/huggingface/peft/issues",
    "sentence_transformers": "https://github.com/huggingface/sentence-transformers/issues",
    "vllm": "https://github.com/vllm-project/vllm/issues",
    "deepspeed": "https://github.com/deepspeedai/DeepSpeed/issues",
    "torch": "https://github.com/pytorch/pytorch/issues",
}


def _tracker(failure: FailureReport) -> str:
    """Where the package lives that is nearest to the failure, torch last: it only reports what it was given."""
    for frame in reversed(failure.frames):
        folders = frame.file.split("/")
        for package, tracker in _TRACKERS.items():
            if package != "torch" and package in folders[:-1]:
                return tracker
    return _TRACKERS["transformers"]
