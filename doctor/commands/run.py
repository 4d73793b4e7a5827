"""`doctor run`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.explain.text import TextReader

EXIT_CODES = """\
exit codes:
  the program's own, whatever doctor finds; 2 when it cannot be started
"""


def add(commands: Any) -> None:
    """Declare `doctor run` to the parser."""
    run = arguments.add_command(
        commands,
        "run",
        "run a program, and explain its failure when it fails",
        "Run a program unchanged. When it fails, the cause of its failure is written to\nstderr (or to the file of --output) after it ended.",
        EXIT_CODES,
    )
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...", help="the program and its arguments")
    run.add_argument("-v", "--verbose", action="store_true", help="show every failure, frame and cause")
    arguments.add_matrix_option(run)
    arguments.add_output_options(run)
    arguments.add_redact_option(run)
    run.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor.explain.runner import run_program
    from doctor.explain.text import TextReader
    from doctor.readers.lines import LineDecoder

    command = options.program[1:] if options.program[:1] == ["--"] else options.program
    if not command:
        raise DoctorError("run: name the program, as in: doctor run -- python train.py")
    matrix = arguments.matrix_of(options)
    reader, decoder = TextReader(matrix), LineDecoder()

    def seen(chunk: bytes) -> None:
        for line in decoder.feed(chunk):
            reader.feed(line)

    code = run_program(command, seen)
    if code:
        for line in decoder.end():
            reader.feed(line)
        _explain(reader, matrix, command, options)
    return _as_it_ended(code)


def _explain(reader: TextReader, matrix: Any, command: list[str], options: argparse.Namespace) -> None:
    """Never a reason for the program's exit code to be lost."""
    from doctor import probe
    from doctor.commands.explain import shown
    from doctor.upgrade.command import for_posix_shell

    try:
        here = probe.examine(_interpreter(command), probe.Interest.of(matrix), waiting=output.progress)
    except DoctorError:
        here = None
    explanation = reader.explanation(here)
    if not explanation.failures:
        return
    report, show = shown(explanation, matrix, options.verbose, redact=options.redact, again=for_posix_shell(["doctor", "run", "--", *command]))
    try:
        if options.output is not None:
            with output.destination(options.output) as page:
                output.write(page, options.format, report, show)
        elif sys.stderr is not None:
            sys.stderr.write("\n")
            output.write(sys.stderr, options.format, report, show)
    except DoctorError as error:
        output.complain(str(error))


def _interpreter(command: list[str]) -> str | None:
    """The Python that runs the program: named itself, or by the first line of a script such as `accelerate` or `torchrun`."""
    import shutil

    program = shutil.which(command[0])
    if program is None:
        return None
    if os.path.basename(program).startswith("python"):
        return program
    try:
        with open(program, "rb") as script:
            first = script.readline(512)
    except OSError:
        return None
    named = os.fsdecode(first[2:].strip()).split(" ")[0] if first.startswith(b"#!") else ""
    return named if os.path.basename(named).startswith("python") else None


def _as_it_ended(code: int) -> int:
    """End as the program did: by its signal, so that a shell or a supervisor sees no difference."""
    if code < 0 and os.name == "posix":
        number = -code
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        sys.stdout.flush()
        os.kill(os.getpid(), number)
    return code if code >= 0 else 128 - code
