"""`doctor report`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.commands.reporting import redactor_for
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.diagnosis.diagnosis import Diagnosis
    from doctor.explain.explanation import LikelyCause
    from doctor.facts.environment import Environment
    from doctor.facts.seen import CheckpointSeen
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.attachment import Attachment
    from doctor.reports.document import Report
    from doctor.reports.redact import Redactor

EXIT_CODES = """\
exit codes:
  0  the report was written, whatever it says
  2  could not do what was asked
"""
_PROJECTS = ("transformers", "accelerate", "pytorch", "diffusers", "vllm", "sentence-transformers")
_MOST_BYTES = 256 * 1024
"""Of a traceback: what the end of it that is kept may still depend on."""

_EXAMPLES = (
    "doctor report -o report.md",
    "doctor report --traceback log.txt --for transformers -o report.md",
)


def add(commands: Any) -> None:
    """Declare `doctor report` to the parser."""
    report = arguments.add_command(
        commands,
        "report",
        "write the attachment for a bug report",
        (
            "Write what the maintainers of a library ask for in a bug report: the environment\n"
            "in their words, what is known to be wrong with it, and what could not be\n"
            "determined, with everything private masked."
        ),
        EXIT_CODES,
        examples=_EXAMPLES,
    )
    report.add_argument("-o", "--output", metavar="FILE", help="write to FILE instead of the terminal; a file that is there is left alone")
    report.add_argument("--force", action="store_true", help="replace FILE when it is there")
    report.add_argument("--for", dest="project", choices=_PROJECTS, metavar="PROJECT", help=f"in the order of its form: {', '.join(_PROJECTS)}")
    report.add_argument("--traceback", metavar="FILE", help="include this traceback, masked; `-`: standard input")
    report.add_argument("--model", metavar="MODEL", help="with --format json: what this machine sees of that model, for `doctor fleet`")
    report.add_argument("--confirm", action="store_true", help="run the reproducers of what is found, as `doctor confirm` does")
    report.add_argument("--format", choices=("markdown", "json", "html"), default="markdown", help="default: markdown")
    report.add_argument("--show-redactions", action="store_true", help="list here what was masked, in place of the report or beside --output")
    report.add_argument(
        "--keep-private", action="store_true", help="leave private package names, and the folders they are installed from, as they are"
    )
    report.add_argument("--python", metavar="PATH", help="examine this interpreter or environment folder (default: the active one)")
    report.add_argument("--no-live", action="store_true", help="run nothing of the environment examined; torch is then not asked")
    report.add_argument("--timeout", type=arguments.seconds, metavar="SECONDS", help="how long torch, and each reproducer, may take")
    arguments.add_matrix_option(report)
    report.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor.reports.document import report_on

    if options.confirm and options.no_live:
        raise DoctorError("--confirm: runs the reproducers in the environment, which --no-live forbids")
    if options.model and options.format != "json":
        raise DoctorError("--model: only with --format json, which `doctor fleet` holds against those of other machines")
    with output.destination(options.output, overwrite=options.force) as page:
        traceback = _traceback(options.traceback) if options.traceback else None
        matrix = arguments.matrix_of(options)
        diagnosis, causes = _diagnosis(options, matrix, traceback)
        redactor = redactor_for(diagnosis.environment, keep_private=options.keep_private)
        report = report_on(diagnosis, redactor, traceback, _accelerate_config(), causes, checkpoint=_checkpoint(options.model, diagnosis.environment))
        if options.output is not None or not options.show_redactions:
            output.write_text(page, _rendered(report, matrix, redactor, options))
    if options.show_redactions:
        _show(redactor)
    return 0


def _diagnosis(options: argparse.Namespace, matrix: Matrix, traceback: str | None) -> tuple[Diagnosis, tuple[LikelyCause, ...]]:
    """What is known of the environment, and what may have caused the failure in `traceback`."""
    from dataclasses import replace

    from doctor import probe
    from doctor.commands.examining import observe
    from doctor.diagnosis.diagnosis import diagnose
    from doctor.explain.explanation import SURE
    from doctor.knowledge.releases import known_releases
    from doctor.reproduce import reproducers

    timeout = options.timeout or probe.TORCH_TIMEOUT_SECONDS
    interest = probe.Interest.of(matrix)
    environment = probe.examine(options.python, interest, live=not options.no_live, timeout=timeout, waiting=output.progress)
    causes: tuple[LikelyCause, ...] = ()
    if traceback is not None:
        from doctor.explain.text import explain_lines

        explanation = explain_lines(traceback.split("\n"), matrix, here=environment)
        causes = explanation.failures[0].causes if explanation.failures else ()
        contradicted = (each for each in explanation.environment.faults if each.slug == "stated-version-contradicted")
        environment = replace(environment, faults=(*environment.faults, *contradicted))
    symptoms = [each.advisory for each in causes[:1] if each.advisory is not None and each.confidence >= SURE]
    diagnosis = diagnose(environment, matrix, known_releases(matrix), symptoms=symptoms)
    if not options.confirm:
        return diagnosis, causes
    scripts = reproducers()
    wanted = [each.id for each in diagnosis.findings if each.id in scripts]
    observations = observe(environment, wanted, scripts, "cpu", options.timeout)
    return diagnose(environment, matrix, known_releases(matrix), observations=observations, symptoms=symptoms), causes


def _checkpoint(name: str | None, environment: Environment) -> CheckpointSeen | None:
    """What is seen of the model here; None where none was named."""
    if name is None:
        return None
    import os

    from doctor.knowledge.matching import installed_version
    from doctor.models.seen import seen_checkpoint

    transformers = environment.packages.get("transformers")
    return seen_checkpoint(name, os.environ, installed_version(transformers) if transformers is not None else None)


def _accelerate_config() -> Any:
    import os

    from doctor.probe.accelerate_config import accelerate_config

    return accelerate_config(os.environ)


def _rendered(report: Report, matrix: Matrix, redactor: Redactor, options: argparse.Namespace) -> str:
    from dataclasses import replace

    from doctor.reports.attachment import attachment_of, shortened

    # Shortened only now: cut in two, a secret would not have been recognised.
    report = replace(report, traceback=shortened(report.traceback)) if report.traceback else report
    if options.format == "json":
        from doctor.reports.json import as_json

        return as_json(report)
    attachment = attachment_of(report, matrix, tuple(each.label for each in redactor.masked))
    return _html(attachment, matrix) if options.format == "html" else _markdown(attachment, options.project)


def _html(attachment: Attachment, matrix: Matrix) -> str:
    from doctor.knowledge.evidence import known_evidence
    from doctor.knowledge.releases import known_releases
    from doctor.reports.html import html
    from doctor.reports.strip import strip_of

    evidence, releases = known_evidence(), known_releases(matrix)
    strips = {}
    for finding in attachment.report.findings:
        advisory = matrix.advisory(finding.id)
        if advisory is not None:
            strips[finding.id] = strip_of(advisory, finding.package, finding.installed, evidence, releases)
    return html(attachment, strips)


def _markdown(attachment: Attachment, project: str | None) -> str:
    from doctor.reports.markdown import GITHUB_LIMIT, markdown

    text = markdown(attachment, project)
    if len(text) > GITHUB_LIMIT:
        output.complain(f"note: {len(text)} characters; GitHub takes {GITHUB_LIMIT} in a text, so attach the report as a file")
    return text


def _traceback(name: str) -> str:
    """The end of the text in a file. Raises `DoctorError` when it cannot be read."""
    import os
    import sys

    try:
        if name == "-":
            if sys.stdin is None:
                raise DoctorError("standard input is closed: name a file with --traceback FILE")
            return _last(sys.stdin.buffer.read)
        if os.path.isdir(name):
            raise DoctorError(f"--traceback {name}: is a folder; name a file in it")
        with open(name, "rb") as file:
            return _last(file.read)
    except OSError as error:
        raise DoctorError(f"--traceback {name}: cannot be read: {error.strerror}") from None


def _last(read: Any) -> str:
    """The last bytes of a stream as text, from the beginning of a line on, without a terminal's colours."""
    from doctor.readers.lines import cleaned_line

    end, whole = b"", True
    while chunk := read(_MOST_BYTES):
        whole = whole and len(end) + len(chunk) <= _MOST_BYTES
        end = (end + chunk)[-_MOST_BYTES:]
    encoding = "utf-16" if end.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    text = end.decode(encoding, "replace")
    return "\n".join(map(cleaned_line, (text if whole else text.partition("\n")[2]).split("\n")))


def _show(redactor: Redactor) -> None:
    """What was masked, on stdout: for the eyes of its owner."""
    import sys

    from doctor.reports.private.masker import CONTROL_CHARACTER

    if sys.stdout is None:
        return
    masked = "\n".join(f"{each.label}  {each.value}" for each in redactor.masked) or "nothing was masked"
    output.write_text(sys.stdout, CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", masked) + "\n")
