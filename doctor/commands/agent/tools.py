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
from doctor.commands.agent.answers import cut, cut_or_none, page_of
from doctor.commands.asking import answers_given
from doctor.commands.examining import stated_environment, stated_in_folder
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
        diagnosis = diagnose(environment, self._matrix, known_releases(), observations=observations, program=program, model=read)
        report = report_on(diagnosis, gate(True, environment))
        asked = [each for each in report.findings if each.status != "cleared" and (everything or each.concerns in CONCERNS[:3])]
        return page_of(_check(report), "findings", [_finding(each, allowed) for each in asked], page)

    def explain(self, allowed: Allowed, text: str | None, file: str | None, facts: Mapping[str, str], page: int) -> answers.Explained:
        """Why what the text shows failed."""
        reader = read_logs([[_content(allowed, text, file)]], self._matrix, name=file)
        for fact, answer in answers_given([f"{name}={value}" for name, value in facts.items()], self._matrix):
            reader.answer(fact, answer, "option")
        report = explanation_report(reader.explanation(), self._matrix, gate(True), file)
        head = answers.Explained(
            failures=(),
            versions=_versions(report.environment),
            warnings=tuple(cut(each, 300) for each in report.warnings[:5]),
            wanted=tuple(cut(each, 300) for each in report.send[:5]),
            next=cut_or_none(report.next, 500),
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
            sentence=cut(report.verdict_line, 600),
            decided_by=report.decided_by,
            because=cut_or_none(report.because, 300),
            parameters=report.parameters.total,
            bytes=report.bytes.loaded,
            peak_ram_bytes=report.loading.peak,
            devices=tuple(answers.Device(name=each.name, placed_bytes=each.placed, free_bytes=each.free) for each in report.devices[:_MOST_NAMED]),
            left_on_meta_bytes=report.on_meta.bytes if report.on_meta is not None else None,
            remedies=tuple(cut(each, 200) for each in report.remedies[:6]),
            advisories=tuple(f"{each.id}: {cut(each.title, 150)}" for each in report.advisories[:6]),
            assumes=tuple(cut(each, 200) for each in report.assumes[:8]),
            placement=(),
        )
        parts = [answers.Part(module=cut(each.module, 200), device=each.device, bytes=each.bytes) for each in report.placement]
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
    return {cut(name, 80): cut_or_none(environment.packages[name].version, 60) for name in names}


def _check(report: Report) -> answers.Check:
    return answers.Check(
        verdict=cut(report.verdict.sentence, 400),
        outcome=report.verdict.outcome,
        python=report.environment.python.version,
        versions=_versions(report.environment),
        counts=report.summary.concerns,
        findings=(),
        upgrade=cut_or_none(report.upgrade.command, 500),
        unknown=tuple(dict.fromkeys(cut(each.reason, 200) for each in report.environment.unknown if each.important))[:5],
        unread=tuple(cut(f"{each.file}: {each.reason}", 200) for each in (report.program.unread if report.program is not None else ()))[:5],
    )


def _finding(finding: Finding, allowed: Allowed) -> answers.Finding:
    return answers.Finding(
        id=finding.id,
        title=cut(finding.title, 250),
        severity=finding.severity,
        status=finding.status,
        concerns=finding.concerns,
        package=finding.package,
        installed=finding.installed,
        fixed_in=finding.fixed_in,
        remedy=cut(finding.remedy, 800),
        missing=tuple(cut(each, 200) for each in finding.missing[:5]),
        places=tuple(answers.Place(file=cut(each.file, 200), line=each.line, source=each.source, sure=each.sure) for each in finding.places[:5]),
    )


def _failure(failure: FailureReport) -> answers.Failure:
    question = failure.question
    return answers.Failure(
        exception=cut_or_none(failure.exception, 100),
        message=cut(failure.message, 400),
        outcome=failure.outcome,
        place=_place(failure.place),
        causes=tuple(_cause(each) for each in failure.causes[:3]),
        means=cut_or_none(failure.means, 400),
        avoid=cut_or_none(failure.avoid, 300),
        question=None
        if question is None
        else answers.Question(
            fact=question.fact, ask=cut(question.ask, 300), run=question.run, answers={each.value: cut(each.seen, 120) for each in question.answers}
        ),
        count=failure.count,
    )


def _place(frame: Frame | None) -> str | None:
    return f"{cut(frame.file, 200)}:{frame.line} in {cut(frame.function or '?', 100)}" if frame is not None else None


def _cause(cause: LikelyCause) -> answers.Cause:
    return answers.Cause(
        cause=cause.cause,
        kind=cause.kind,
        title=cut(cause.title, 250),
        confidence=round(cause.confidence, 2),
        because=tuple(cut(each, 150) for each in cause.because[:3]),
        remedy=cut(cause.remedy, 600),
        edit=cut_or_none(cause.edit, 300),
        avoid=cut_or_none(cause.avoid, 250),
        upgrade=f"{cause.upgrade.package} {cause.upgrade.to}" if cause.upgrade is not None else None,
        upgrading=cut(cause.upgrading, 250),
        advisory=cause.advisory,
    )


def _dating(dating: Dating) -> answers.Dating:
    releases = answers.ends(dating.candidates or dating.nearest)
    return answers.Dating(package=dating.distribution, status=dating.status, releases=releases, summary=cut(dating.summary, 300))


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
        title=cut(advisory.title, 250),
        kind=advisory.kind,
        severity=advisory.severity,
        affected=tuple(_affected(advisory)),
        trigger=cut(advisory.trigger, 900) if whole else None,
        cause=cut(advisory.cause, 1200) if whole else None,
        workaround=cut_or_none(advisory.workaround, 900) if whole else None,
        avoid=cut_or_none(advisory.avoid, 400) if whole else None,
        apis=advisory.apis[:10] if whole else (),
        evidence=cut(f"{advisory.evidence.level}: {advisory.evidence.basis}", 500) if whole else None,
        references=advisory.references[:8] if whole else (),
    )


def _affected(advisory: Advisory) -> Iterator[str]:
    for each in advisory.affected[:6]:
        yield f"{each.package} {ranges_in_words(each.ranges[:6])}"
