"""The tools, each from what was asked to its answer: the same steps as the command of the same purpose, through the gate of reports."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from doctor import probe
from doctor.commands import arguments
from doctor.commands.agent import answers
from doctor.commands.agent.allowed import Allowed
from doctor.commands.agent.answers import page_of
from doctor.commands.asking import answers_given
from doctor.commands.examining import stated_environment, stated_in_folder
from doctor.commands.explaining import answer
from doctor.commands.placing import Asked, Case, fit
from doctor.commands.reporting import gate
from doctor.dating import Dating, date_frames
from doctor.diagnosis.diagnosis import diagnose
from doctor.diagnosis.finding import CONCERNS, Finding
from doctor.errors import DoctorError
from doctor.explain.explanation import LikelyCause
from doctor.explain.text import read_logs
from doctor.facts.environment import STACK, Environment
from doctor.facts.observation import Observation
from doctor.facts.symptom import Frame
from doctor.files import read_beginning
from doctor.hazards.scan import scan
from doctor.knowledge.matrix import Advisory, Matrix, parse_version
from doctor.knowledge.releases import known_releases
from doctor.models.checkpoint import read_model
from doctor.models.inventory import read_checkpoint
from doctor.models.locate import locate_model
from doctor.readers.binary import why_no_text
from doctor.readers.lines import cleaned
from doctor.readers.repository import stating_files
from doctor.readers.tracebacks import read_failures
from doctor.reports.advisory import ranges_in_words
from doctor.reports.document import Report, report_on
from doctor.reports.explanation import FailureReport, explanation_report

_MOST_TEXT = 32 * 1024 * 1024
"""Bytes of a log that is named; of a longer one its beginning is read."""
_MOST_NAMED = 12


class Tools:
    """What can be asked of a matrix, and of the environment that is meant where none is named."""

    def __init__(self, matrix: Matrix, python: str | None) -> None:
        self._matrix = matrix
        self._python = python

    def check(
        self,
        allowed: Allowed,
        *,
        programs: Sequence[str] = (),
        model: str | None = None,
        python: str | None = None,
        from_file: str | None = None,
        run: bool = False,
        everything: bool = False,
        page: int = 1,
    ) -> answers.Check:
        """What is wrong with an environment; with `programs`, what of it they set off."""
        environment, observations = self._environment(allowed, python, from_file, run)
        read = read_model(allowed.folder(model)) if model is not None else None
        paths = [allowed.path(each) for each in programs]
        program = scan([*paths, *(read.code if read is not None else ())], allowed=allowed.holds) if paths else None
        diagnosis = diagnose(environment, self._matrix, known_releases(self._matrix), observations=observations, program=program, model=read)
        report = report_on(diagnosis, gate(True, environment))
        asked = [each for each in report.findings if each.status != "cleared" and (everything or each.concerns in CONCERNS[:3])]
        return page_of(_check(report), "findings", [_finding(each, allowed) for each in asked], page)

    def explain(self, allowed: Allowed, text: str | None, file: str | None, facts: Mapping[str, str], page: int) -> answers.Explained:
        """Why what the text shows failed."""
        reader = read_logs([[_content(allowed, text, file)]], self._matrix, name=file)
        answer(reader, answers_given([f"{name}={value}" for name, value in facts.items()], self._matrix), None, self._matrix)
        report = explanation_report(reader.explanation(), self._matrix, gate(True), file)
        head = answers.Explained(
            failures=(),
            versions=_versions(report.environment),
            warnings=report.warnings[:5],
            wanted=report.send[:5],
            next=report.next,
        )
        return page_of(head, "failures", [_failure(each) for each in report.failures], page)

    def date(self, allowed: Allowed, text: str | None, file: str | None, page: int) -> answers.Dated:
        """Which releases a traceback can come from."""
        lines = cleaned(_content(allowed, text, file).decode("utf-8", "replace").splitlines())
        datings = date_frames(frame for failure in read_failures(lines) for frame in failure.frames)
        return page_of(answers.Dated(datings=()), "datings", [_dating(each) for each in gate(True).value(datings)], page)

    def fit(self, allowed: Allowed, model: str, asked: Asked, python: str | None, page: int) -> answers.Fitted:
        """Where a model goes when it is loaded."""
        checkpoint = read_checkpoint(self._model(allowed, model), model)
        if checkpoint.parts:
            raise DoctorError(f"{model}: a pipeline of several models: name the folder of one: {', '.join(checkpoint.parts)}")
        environment, _ = self._environment(allowed, python, None, asked.live)
        report = gate(True, environment).value(fit(Case(checkpoint, asked, environment, self._matrix)))
        head = answers.Fitted(
            verdict=report.verdict,
            sentence=report.verdict_line,
            decided_by=report.decided_by,
            because=report.because,
            parameters=report.parameters.total,
            bytes=report.bytes.loaded,
            peak_ram_bytes=report.loading.peak,
            devices=tuple(answers.Device(name=each.name, placed_bytes=each.placed, free_bytes=each.free) for each in report.devices[:_MOST_NAMED]),
            left_on_meta_bytes=report.on_meta.bytes if report.on_meta is not None else None,
            remedies=report.remedies[:6],
            advisories=tuple(f"{each.id}: {each.title}" for each in report.advisories[:6]),
            assumes=report.assumes[:8],
            placement=(),
        )
        parts = [answers.Part(module=each.module, device=each.device, bytes=each.bytes) for each in report.placement]
        return page_of(head, "placement", parts, page)

    def look_up(
        self,
        id: str | None,
        *,
        package: str | None,
        version: str | None,
        severity: Literal["silent", "error", "warning"] | None,
        words: str | None,
        page: int,
    ) -> answers.Advisories:
        """One advisory, or those that all of this holds for."""
        if version is not None and package is None:
            raise DoctorError("version: of which package? name it with `package`")
        if id is not None:
            known = arguments.known_id(id, self._matrix, "id ")
            found = [each for each in self._matrix.advisories if each.id == known]
            if not found:
                raise DoctorError(f"{id}: a fault of an installation, which `doctor check` finds, and no advisory")
        else:
            name = arguments.known_package(package, self._matrix) if package is not None else None
            found = [each for each in self._matrix.advisories if _fits(each, name, version, severity, words)]
        whole = id is not None
        head = answers.Advisories(matrix=self._matrix.version, count=len(found), advisories=())
        return page_of(head, "advisories", [_advisory(each, whole=whole) for each in found], page)

    def _environment(self, allowed: Allowed, python: str | None, from_file: str | None, run: bool) -> tuple[Environment, tuple[Observation, ...]]:
        """The environment meant: stated by a file, the one named, the one `doctor mcp` was started for, or the .venv in a root."""
        if from_file is not None:
            path = allowed.path(from_file)
            if not os.path.isdir(path):
                return stated_environment(path, self._matrix)
            outside = next((each for each in stating_files(path) if not allowed.holds(each)), None)
            if outside is not None:
                raise allowed.refusal(outside)
            return stated_in_folder(path, self._matrix)
        chosen = allowed.interpreter(python) if python is not None else self._python or _of_a_root(allowed)
        return probe.examine(chosen, probe.Interest.of(self._matrix), live=run), ()

    def _model(self, allowed: Allowed, model: str) -> str:
        """A model's folder or file; by its id, its place in the hub's cache, if that may be read."""
        path = allowed.named(model)
        return allowed.folder(path if os.path.lexists(path) else locate_model(model, os.environ))


def _of_a_root(allowed: Allowed) -> str:
    for folder in allowed.folders:
        if os.path.isfile(os.path.join(folder, ".venv", "pyvenv.cfg")):
            return allowed.interpreter(os.path.join(folder, ".venv"))
    raise DoctorError(
        "no environment is named, and there is no .venv in the folders that may be read: name its folder as `python` or a lock file as `from_file`"
    )


def _content(allowed: Allowed, text: str | None, file: str | None) -> bytes:
    if (text is None) == (file is None):
        raise DoctorError("either `text` or `file` is needed")
    if file is None:
        return str(text).encode("utf-8", "replace")
    try:
        content = read_beginning(Path(allowed.path(file)), _MOST_TEXT)
    except OSError as error:
        raise DoctorError(f"{file}: cannot be read: {error.strerror}") from None
    why = why_no_text(content)
    if why is not None:
        raise DoctorError(f"{file}: is not text ({why})")
    return content


def _versions(environment: Environment) -> dict[str, str | None]:
    names = sorted(environment.packages, key=lambda name: (name not in STACK, name))[:_MOST_NAMED]
    return {name: environment.packages[name].version for name in names}


def _check(report: Report) -> answers.Check:
    return answers.Check(
        verdict=report.verdict.sentence,
        outcome=report.verdict.outcome,
        python=report.environment.python.version,
        versions=_versions(report.environment),
        counts=report.summary.concerns,
        findings=(),
        upgrade=report.upgrade.command,
        unknown=tuple(dict.fromkeys(each.reason for each in report.environment.unknown if each.important))[:5],
        unread=tuple(f"{each.file}: {each.reason}" for each in (report.program.unread if report.program is not None else ()))[:5],
    )


def _finding(finding: Finding, allowed: Allowed) -> answers.Finding:
    return answers.Finding(
        id=finding.id,
        title=finding.title,
        severity=finding.severity,
        status=finding.status,
        concerns=finding.concerns,
        package=finding.package,
        installed=finding.installed,
        fixed_in=finding.fixed_in,
        remedy=finding.remedy,
        missing=finding.missing[:5],
        places=tuple(answers.Place(file=each.file, line=each.line, source=each.source, sure=each.sure) for each in finding.places[:5]),
    )


def _failure(failure: FailureReport) -> answers.Failure:
    question = failure.question
    return answers.Failure(
        exception=failure.exception,
        message=failure.message,
        outcome=failure.outcome,
        place=_place(failure.place),
        causes=tuple(_cause(each) for each in failure.causes[:3]),
        means=failure.means,
        avoid=failure.avoid,
        question=None
        if question is None
        else answers.Question(fact=question.fact, ask=question.ask, run=question.run, answers={each.value: each.seen for each in question.answers}),
        count=failure.count,
    )


def _place(frame: Frame | None) -> str | None:
    return f"{frame.file}:{frame.line} in {frame.function or '?'}" if frame is not None else None


def _cause(cause: LikelyCause) -> answers.Cause:
    return answers.Cause(
        cause=cause.cause,
        kind=cause.kind,
        title=cause.title,
        confidence=round(cause.confidence, 2),
        because=cause.because[:3],
        remedy=cause.remedy,
        edit=cause.edit,
        avoid=cause.avoid,
        upgrade=f"{cause.upgrade.package} {cause.upgrade.to}" if cause.upgrade is not None else None,
        upgrading=cause.upgrading,
        advisory=cause.advisory,
    )


def _dating(dating: Dating) -> answers.Dating:
    releases = answers.ends(dating.candidates or dating.nearest)
    return answers.Dating(package=dating.distribution, status=dating.status, releases=releases, summary=dating.summary)


def _fits(advisory: Advisory, package: str | None, version: str | None, severity: str | None, words: str | None) -> bool:
    affected = [each for each in advisory.affected if package is None or each.package == package]
    if not affected or (severity is not None and advisory.severity != severity):
        return False
    if version is not None and not any(parse_version(version) in each for one in affected for each in one.ranges):
        return False
    text = " ".join((advisory.id, advisory.slug, advisory.title, advisory.trigger, advisory.cause, *advisory.apis)).lower()
    return all(each in text for each in (words or "").lower().split())


def _advisory(advisory: Advisory, *, whole: bool) -> answers.Advisory:
    return answers.Advisory(
        id=advisory.id,
        title=advisory.title,
        kind=advisory.kind,
        severity=advisory.severity,
        affected=tuple(_affected(advisory)),
        trigger=advisory.trigger if whole else None,
        cause=advisory.cause if whole else None,
        workaround=advisory.workaround if whole else None,
        avoid=advisory.avoid if whole else None,
        apis=advisory.apis[:10] if whole else (),
        evidence=f"{advisory.evidence.level}: {advisory.evidence.basis}" if whole else None,
        references=advisory.references[:8] if whole else (),
    )


def _affected(advisory: Advisory) -> Iterator[str]:
    for each in advisory.affected[:6]:
        yield f"{each.package} {ranges_in_words(each.ranges[:6])}"
