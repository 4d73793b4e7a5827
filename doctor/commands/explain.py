"""`doctor explain`."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from doctor.commands import arguments, output
from doctor.commands.asking import answers_given, ask, refuse_without_terminal
from doctor.commands.explaining import EXPECTED, answer, explained_text, read_texts
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.explain.explanation import Explanation
    from doctor.facts.environment import Environment
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.explanation import ExplanationReport

EXIT_CODES = """\
exit codes:
  0  the text shows no failure, and no advice that does harm
  1  a cause was found, for sure or in doubt; or harmful advice
  2  could not do what was asked; of many texts (jsonl): of one at least
  3  a failure was found, but no cause that is known, or none that doctor is for
of many texts: 2 before 1 before 3 before 0
"""
_WORST_FIRST = (2, 1, 3, 0)
"""Exit codes of many texts: the first that one of them has is that of all."""
_PIECE_BYTES = 256 * 1024

_EXAMPLES = (
    "doctor explain issue.txt                   # a traceback, log or issue",
    "doctor explain --here train.log            # it failed in this environment",
    "doctor explain --fact threads=yes log.txt  # with the answer to its question",
    "doctor explain issues/*.txt --format jsonl # many, a line of JSON each",
)


def add(commands: Any) -> None:
    """Declare `doctor explain` to the parser."""
    explain = arguments.add_command(
        commands,
        "explain",
        "find the cause of a failure in a traceback, log or issue text",
        "Read tracebacks, logs, issue texts and environment listings, and say what caused\n"
        "the failure, how sure that is and why, what to do, and what not to do.",
        EXIT_CODES,
        examples=_EXAMPLES,
    )
    explain.add_argument(
        "file", nargs="*", metavar="FILE", help="files to read as one text (jsonl: each as one of its own); `-` or none: standard input"
    )
    explain.add_argument("--here", action="store_true", help="the text came from this environment: let its facts fill what the text does not say")
    explain.add_argument("--python", metavar="PATH", help="with --here: the interpreter or environment folder it came from")
    explain.add_argument(
        "--fact", action="append", default=[], metavar="NAME=VALUE", help="what the text does not say, as threads=yes (docs/causes.md has the names)"
    )
    explain.add_argument("--ask", action="store_true", help="where causes are undecided, ask on the terminal for what tells them apart")
    explain.add_argument("--model", metavar="MODEL", help="with --here: what was loaded; where a part of it was offloaded, say where it goes here")
    explain.add_argument("-v", "--verbose", action="store_true", help="show every failure, frame and cause")
    arguments.add_matrix_option(explain)
    arguments.add_output_options(explain, "markdown", "jsonl")
    explain.add_argument(
        "--labels", action="store_true", help="print the names of the labels it would get in a tracker, a line each, and nothing else"
    )
    arguments.add_redact_option(explain)
    explain.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.python and not options.here:
        raise DoctorError("--python: only with --here, which says that the text came from there")
    if options.model and (not options.here or options.format == "jsonl"):
        raise DoctorError("--model: only with --here, in whose environment it is placed, and for one text")
    if options.labels and options.format != "terminal":
        raise DoctorError(f"--labels: prints names and nothing else, not --format {options.format} (jsonl holds them)")
    files = options.file or ["-"]
    if options.format == "jsonl" and (options.fact or options.ask):
        raise DoctorError(f"--{'fact' if options.fact else 'ask'}: is for one text, and --format jsonl for many")
    if options.ask:
        refuse_without_terminal(files)
    with output.destination(options.output) as page:
        matrix = arguments.matrix_of(options)
        given = answers_given(options.fact, matrix)
        here = _here(options, matrix)
        if not options.file:
            _ask_for_text()
        if options.format == "jsonl":
            return _explain_each(page, files, matrix, here, redact=options.redact)
        name = files[0] if len(files) == 1 else None
        reader = read_texts(texts(files), files, matrix)
        answer(reader, given, here, matrix)
        explanation = reader.explanation(here)
        if options.ask:
            explanation = ask(reader, explanation, here)
        redact = options.redact or options.format == "markdown"
        placed = _placed(options.model, explanation, matrix, here)
        file = name if name != "-" else None
        report, show = shown(explanation, matrix, options.verbose, file=file, redact=redact, more=_more(options, explanation), placed=placed)
        if options.labels or options.format == "markdown":
            from doctor.reports.triage import labels_of, triage_reply

            output.write_text(page, "".join(f"{each}\n" for each in labels_of(report)) if options.labels else triage_reply(report))
        else:
            output.write(page, options.format, report, show)
    return report.exit_code


def _here(options: argparse.Namespace, matrix: Matrix) -> Environment | None:
    """The environment the text came from; None: not this one."""
    from doctor import probe

    return probe.examine(options.python, probe.Interest.of(matrix), waiting=output.progress) if options.here else None


def _placed(model: str | None, explanation: Explanation, matrix: Matrix, here: Environment | None) -> str | None:
    """What `doctor fit` says of the model that was loaded, where a cause is that it did not fit; None where none is, or no model is named."""
    if model is None or here is None or not any(cause.kind == "resource" for each in explanation.failures for cause in each.causes):
        return None
    from doctor.commands.fit import checkpoint_of
    from doctor.commands.placing import Asked, Case, fit

    with output.progress("placing the model on meta"):
        return fit(Case(checkpoint_of(model, online=False), Asked(), here, matrix)).verdict_line


# Many texts


def _explain_each(page: TextIO, files: Sequence[str], matrix: Matrix, here: Environment | None, *, redact: bool) -> int:
    """Write a line for each file; the exit code of all."""
    from doctor.reports.json import as_json_line

    codes, words = set(), frozenset(matrix.own_words)
    many = len(files) > 1 and not page.isatty()
    with output.counted(len(files), f"explaining {len(files)} texts") if many else contextlib.nullcontext(lambda _: None) as done:
        for number, file in enumerate(files, 1):
            line = explained_text(file, texts([file], bar=False), matrix, here=here, words=words, redact=redact)
            codes.add(line.explanation.exit_code if line.explanation is not None else 2)
            output.write_text(page, as_json_line(line))
            done(number)
    return next(code for code in _WORST_FIRST if code in codes)


def _more(options: argparse.Namespace, explanation: Explanation) -> str:
    """The command that tells all of the same text."""
    from doctor.reports.explanation import answers_again
    from doctor.upgrade.command import for_posix_shell

    here = ["--here"] if options.here else []
    python = ["--python", options.python] if options.python else []
    return for_posix_shell(["doctor", "explain", "-v", *here, *python, *answers_again(explanation.given), *options.file])


def _ask_for_text() -> None:
    """On a terminal nothing would say what is being waited for."""
    import sys

    if sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None:
        end = "Ctrl-Z and Enter" if sys.platform == "win32" else "Ctrl-D"
        sys.stderr.write(f"Paste the text, then press {end} on a line of its own.\n")
        sys.stderr.flush()


def shown(
    explanation: Explanation,
    matrix: Matrix,
    verbose: bool,
    *,
    redact: bool = False,
    file: str | None = None,
    again: str | None = None,
    more: str | None = None,
    placed: str | None = None,
) -> tuple[ExplanationReport, Callable[[Console], None]]:
    """The report, masked for others with `redact`, and what prints it.

    `file` holds the text; `again` is the command that failed, `more` the one that tells all; `placed` is what `doctor fit` says of the model.
    """
    from doctor.commands.reporting import gate
    from doctor.reports.explanation import explanation_report

    masks = gate(redact, explanation.environment)
    report = explanation_report(explanation, matrix, masks, file, again, placed=placed)

    def show(console: Console) -> None:
        from doctor.reports.terminal.explanation import print_explanation

        print_explanation(report, console, verbose, masks.text(more) if more is not None else None)

    return report, show


def texts(files: Sequence[str], *, bar: bool = True) -> Iterator[Iterator[bytes]]:
    """What the files hold, in pieces; with a progress `bar` on a terminal when they are large. Raises `DoctorError` for one that is no text."""
    for name in files:
        yield _text(name, bar)


def _text(name: str, bar: bool) -> Iterator[bytes]:
    import os
    import sys

    if name == "-":
        if sys.stdin is None:
            raise DoctorError("standard input is closed: name a FILE")
        yield from _pieces(sys.stdin.buffer, "standard input")
        return
    try:
        with open(name, "rb") as stream, output.measured(os.fstat(stream.fileno()).st_size if bar else 0, f"reading {name}") as seen:
            yield from _pieces(stream, name, seen)
    except OSError as error:
        raise DoctorError(f"{name}: cannot be read: {error.strerror}") from None


def _pieces(stream: BinaryIO, name: str, seen: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
    """The stream's bytes; `seen` is told how many so far."""
    from doctor.readers.binary import why_no_text

    read = 0
    while chunk := stream.read(_PIECE_BYTES):
        why = why_no_text(chunk) if not read else None
        if why is not None:
            raise DoctorError(f"{name}: is not text ({why}); expected {EXPECTED}")
        read += len(chunk)
        yield chunk
        seen(read)
        if len(chunk) < _PIECE_BYTES:
            break  # a terminal would have to be told twice
