"""The document of `doctor explain`, as types: its JSON Schema is generated from these. Names here are a public promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from doctor.diagnosis.diagnosis import fault_finding
from doctor.diagnosis.finding import Finding
from doctor.explain.explanation import ExplainedFailure, Explanation, Given, LikelyCause
from doctor.explain.places import is_notebook, own_frame
from doctor.facts.environment import STACK, Environment
from doctor.facts.loading import LoadReport
from doctor.facts.symptom import Frame
from doctor.knowledge.fact import Fact
from doctor.knowledge.family import KnownMessage
from doctor.knowledge.matrix import Matrix
from doctor.reports.document import MatrixSummary, SchemaVersion, summary_of_matrix
from doctor.reports.redact import Redactor
from doctor.upgrade.command import for_posix_shell, upgrade_command
from doctor.version import __version__

UNKNOWN = 3
"""The exit code when a failure was found, but no cause of it that doctor knows of."""
Outcome = Literal["explained", "doubtful", "unknown", "not-ours"]


@dataclass(frozen=True)
class AnswerReport:
    """What one may see in answer to a question."""

    value: str
    """What stands for it: `doctor explain FILE --fact NAME=VALUE`."""
    seen: str
    """What one sees then."""
    says: str
    """What it speaks for, in plain words."""
    causes: tuple[str, ...]
    """Names of the causes it speaks for (docs/causes.md)."""
    share: float | None
    """From 0 to 1: in how many of the public reports with this message it was one of these causes; None where that says nothing."""


@dataclass(frozen=True)
class QuestionReport:
    """The one question that tells the causes apart."""

    fact: str
    """The name of the fact that is asked for (docs/causes.md)."""
    ask: str
    """The question, or what to do to answer it."""
    run: str | None
    """A line of Python that answers it, and changes nothing; None when it has to be looked up."""
    command: str | None
    """A command that answers it; None where there is none."""
    reports: int
    """How many public reports the shares of the answers were counted over; 0 where there are no shares."""
    answers: tuple[AnswerReport, ...]
    """The commonest first."""


@dataclass(frozen=True)
class FailureReport:
    """One failure."""

    exception: str | None
    """Its name as printed; None when the text was cut before it."""
    message: str
    """All its lines; empty when there is none, or the text was cut before it."""
    outcome: Outcome
    """`explained`: the first cause is likelier than everything else together; `doubtful`: causes fit, none surely; `unknown`: none fits;
    `not-ours`: it has nothing to do with tensors on meta."""
    place: Frame | None
    """The last frame of the user's own code; None when the text shows none."""
    causes: tuple[LikelyCause, ...]
    """Surest first."""
    means: str | None
    """What the message means, where it alone is not enough to name a cause."""
    question: QuestionReport | None
    """What tells the causes apart; None when the first is sure, or nothing is known to ask."""
    avoid: str | None
    """What never to do about this message, whatever its cause."""
    foreign: str | None
    """Of a failure that is `not-ours`, its kind: `cuda-out-of-memory`, `device-mismatch`, ..., `other`."""
    ranks: tuple[int, ...]
    """The ranks of a distributed run that failed so; empty when the text names none."""
    processes: tuple[str, ...]
    """Processes that failed so and are no ranks, as the prefixes of their lines name them."""
    frames: tuple[Frame, ...]
    """Outermost first."""
    line: int
    """Where it begins in the text, from 1."""
    count: int
    """How often the text holds it."""


@dataclass(frozen=True)
class ExplanationReport:
    """`doctor explain --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["explanation"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    failures: tuple[FailureReport, ...]
    """The one that is surest explained first, those that are `not-ours` last."""
    warnings: tuple[str, ...]
    """Advice in the text that is wrong."""
    next: str | None
    """The command to run next; None where there is none to name."""
    findings: tuple[Finding, ...]
    """What contradicts itself: a stated version that the traceback cannot come from; with `--here`, faults of the installation as well."""
    send: tuple[str, ...]
    """When a cause is not sure: what would be needed, and where to send it."""
    ranks: tuple[int, ...]
    """The ranks of a distributed run whose lines the text holds."""
    load_reports: tuple[LoadReport, ...]
    """The names that loads found on one side only, as loaders print them, each list at most 2000 long."""
    given: tuple[Given, ...]
    """Answers that were given beside the text: with `--fact`, when asked for, or found in the environment it came from."""
    environment: Environment
    """As the text states it; `environment.sources` says where each fact was read."""
    matrix: MatrixSummary
    exit_code: int
    """With which the command ended."""
    placed: str | None = None
    """Where the model goes here, as `doctor fit` says it in one line; None where it was not asked (`--model`), or no cause is about that."""


def explanation_report(
    explanation: Explanation, matrix: Matrix, redactor: Redactor, file: str | None = None, again: str | None = None, *, placed: str | None = None
) -> ExplanationReport:
    """The report on an explanation, masked by `redactor`.

    `file` holds the text, where it is one that has a name; `again` is the command that failed, where it is known; `placed` is what
    `doctor fit` says of the model.
    """
    explanation = redactor.value(explanation)
    file, again = (redactor.text(each) if each is not None else None for each in (file, again))
    failures = tuple(map(_failure_report, explanation.failures))
    return ExplanationReport(
        schema_version=2,
        document="explanation",
        doctor_version=__version__,
        failures=failures,
        warnings=explanation.warnings,
        next=_next(failures, explanation, file, again),
        findings=tuple(fault_finding(each) for each in explanation.environment.faults),
        send=_send(failures, explanation.environment),
        ranks=explanation.ranks,
        load_reports=explanation.load_reports,
        given=explanation.given,
        environment=explanation.environment,
        matrix=redactor.value(summary_of_matrix(matrix)),
        exit_code=_exit_code(failures, explanation.warnings),
        placed=redactor.text(placed) if placed is not None else None,
    )


def _failure_report(each: ExplainedFailure) -> FailureReport:
    known = None if each.sure else each.known
    by_frequency = (
        known is not None
        and each.question is not None
        and known.fact == each.question.name
        and all(cause.basis == "frequency" for cause in each.causes)
    )
    return FailureReport(
        exception=each.failure.exception,
        message=each.failure.message,
        outcome=_outcome(each),
        place=each.place,
        causes=each.causes,
        means=known.means if known is not None else None,
        question=_question(each.question, known if by_frequency else None) if each.question is not None else None,
        avoid=each.known.avoid if each.known is not None else None,
        foreign=each.foreign,
        ranks=each.failure.ranks,
        processes=each.failure.processes,
        frames=each.failure.frames,
        line=each.failure.line,
        count=each.failure.count,
    )


def _question(fact: Fact, known: KnownMessage | None) -> QuestionReport:
    """The question for a fact; with how often each answer was the right one, where nothing but a known message speaks."""
    usual = known.usual if known is not None else {}
    total = sum(usual.values())
    answers = []
    for each in fact.answers:
        share = round(sum(usual.get(name, 0) for name in each.causes) / total, 2) if total else None
        answers.append(AnswerReport(each.value, each.seen, each.says, each.causes, share))
    return QuestionReport(fact.name, fact.ask, fact.run, fact.command, total, tuple(sorted(answers, key=lambda each: -(each.share or 0.0))))


def _outcome(each: ExplainedFailure) -> Outcome:
    if each.foreign is not None:
        return "not-ours"
    return "explained" if each.sure else "doubtful" if each.causes else "unknown"


def _exit_code(failures: tuple[FailureReport, ...], warnings: tuple[str, ...]) -> int:
    if warnings or any(each.causes and each.foreign is None for each in failures):
        return 1
    return UNKNOWN if failures else 0


# What to do next


def answers_again(given: Iterable[Given]) -> list[str]:
    """The options that give the answers once more: all but those that `--here` finds by itself."""
    return [part for each in given if each.by != "here" for part in ("--fact", f"{each.name}={each.value}")]


def _next(failures: tuple[FailureReport, ...], explanation: Explanation, file: str | None, again: str | None) -> str | None:
    """Of the first failure: make the upgrade; or make the edit and run it again; or find out, or report, what is not known."""
    environment, answers = explanation.environment, answers_again(explanation.given)
    if not failures:
        return _about_what_it_states(environment, file)
    first = failures[0]
    if first.outcome == "not-ours":
        return None
    best = first.causes[0] if first.causes else None
    if best is not None and best.upgrade is not None:
        return upgrade_command((best.upgrade,), environment)
    script = _script(first.frames)
    again = again or (for_posix_shell(["doctor", "run", "--", "python", script]) if script is not None and len(first.ranks) <= 1 else None)
    if first.outcome == "explained" and again is not None:
        return again
    if first.outcome == "explained" and best is not None and best.advisory is not None and environment.python.executable is not None:
        return f"doctor confirm {best.advisory}"
    if first.question is not None and file is not None:
        here = ["--here"] if environment.python.executable is not None else []
        return for_posix_shell(["doctor", "explain", "--ask", *here, *answers, file])
    if not (first.exception or first.message or first.frames):
        return _about_what_it_states(environment, file)
    more_here = first.outcome == "explained" or any(name not in environment.packages for name in STACK)
    if environment.python.executable is None and file is not None and more_here:
        return for_posix_shell(["doctor", "explain", "--here", *answers, file])
    return for_posix_shell(["doctor", "report", "--traceback", file, "-o", "report.md"]) if file is not None else again


def _about_what_it_states(environment: Environment, file: str | None) -> str | None:
    """Of a text without a traceback: what is known of the releases it states."""
    if file is None or environment.python.executable is not None or not any(name in environment.packages for name in STACK):
        return None
    return for_posix_shell(["doctor", "check", "--from", file])


def _script(frames: tuple[Frame, ...]) -> str | None:
    """The program that was run, when the traceback begins in it."""
    own = own_frame(frames[:1])
    return own.file if own is not None and own.function == "<module>" and own.file.endswith(".py") and not is_notebook(own) else None


WANTED = {
    "traceback": "the whole traceback, from its first line to its last",
    "versions": "the version of ",
    "code": "the lines that load the model (device_map, low_cpu_mem_usage, quantization) and what is done with it next",
    "device-map": "model.hf_device_map, and the names of the parameters left on meta: [n for n, p in model.named_parameters() if p.is_meta]",
}
"""What may be missing from a report, in words."""


def wanted(failures: tuple[FailureReport, ...], environment: Environment) -> Mapping[str, str]:
    """What the text leaves out that would tell more of its first failure, most telling first: by its name, in words.

    Of a failure that is sure these are the versions, where they decide whether an upgrade helps.
    """
    if not failures or failures[0].outcome == "not-ours":
        return {}
    unknown = [name for name in STACK if name not in environment.packages]
    versions = {"versions": WANTED["versions"] + ", ".join(unknown)} if unknown else {}
    if failures[0].outcome == "explained":
        best = failures[0].causes[0]
        return versions if best.kind in _CURED_BY_RELEASES and best.upgrade is None else {}
    traceback = {} if any(each.frames for each in failures) else {"traceback": WANTED["traceback"]}
    return {**traceback, **versions, **{name: WANTED[name] for name in ("code", "device-map")}}


_CURED_BY_RELEASES = ("bug", "incompatibility")


def _send(failures: tuple[FailureReport, ...], environment: Environment) -> tuple[str, ...]:
    """What is missing, most telling first."""
    if not failures or failures[0].outcome in ("explained", "not-ours"):
        return ()
    return (*wanted(failures, environment).values(), f"Send them to {_tracker(failures[0])}")


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
