"""`doctor run`."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from doctor.commands import arguments, output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.explain.explanation import Explanation
    from doctor.knowledge.matrix import Matrix
    from doctor.running.transcript import Transcript

EXIT_CODES = """\
exit codes:
  the program's own, whatever doctor finds; 2 when it cannot be started
"""

_EXAMPLES = (
    "doctor run -- python train.py --epochs 3",
    "doctor run --format json --output why.json -- python serve.py",
)


def add(commands: Any) -> None:
    """Declare `doctor run` to the parser."""
    run = arguments.add_command(
        commands,
        "run",
        "run a program, and explain its failure when it fails",
        "Run a program unchanged. When it fails, the cause of its failure is written to\nstderr (or to the file of --output) after it ended.",
        EXIT_CODES,
        examples=_EXAMPLES,
    )
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...", help="the program and its arguments")
    run.add_argument("-v", "--verbose", action="store_true", help="show every failure, frame and cause")
    arguments.add_matrix_option(run)
    arguments.add_output_options(run)
    arguments.add_redact_option(run)
    run.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from doctor.running import run_program

    command = options.program[1:] if options.program[:1] == ["--"] else options.program
    if not command:
        raise DoctorError("run: name the program, as in: doctor run -- python train.py")
    if options.matrix:
        arguments.matrix_of(options)  # what is wrong with it is said before anything runs
    ended = run_program(command)
    if ended.returncode:
        # From here on nothing changes how the program ended: no signal, and no fault of ours.
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            try:
                _explain(ended.printed, command, options)
            except Exception as error:
                output.complain(f"the failure could not be explained: {error}")
    return _as_it_ended(ended.returncode)


def _explain(printed: Transcript, command: list[str], options: argparse.Namespace) -> None:
    from doctor.commands.explain import shown
    from doctor.upgrade.command import for_posix_shell

    matrix = arguments.matrix_of(options)
    explanation = _explanation(printed, command, matrix)
    if not explanation.failures:
        return
    report, show = shown(explanation, matrix, options.verbose, redact=options.redact, again=for_posix_shell(["doctor", "run", "--", *command]))
    if options.output is not None:
        with output.destination(options.output) as page:
            output.write(page, options.format, report, show)
    elif sys.stderr is not None:
        sys.stderr.write("\n")
        if printed.left_out:
            sys.stderr.write(f"Read for this: the first and the last of what was printed; {printed.left_out:,} bytes between them were not.\n")
        output.write(sys.stderr, options.format, report, show)


def _explanation(printed: Transcript, command: list[str], matrix: Matrix) -> Explanation:
    """From the text alone, and only where that shows what may be ours with what torch here answers, which takes seconds."""
    from doctor import probe
    from doctor.explain.text import TextReader
    from doctor.readers.lines import LineDecoder

    reader = TextReader(matrix)
    for part in (printed.first, printed.last) if printed.left_out else (printed.first + printed.last,):
        decoder = LineDecoder()
        for line in (*decoder.feed(part), *decoder.end()):
            reader.feed(line)
    explanation = reader.explanation()
    if all(each.foreign for each in explanation.failures):
        return explanation
    try:
        return reader.explanation(probe.examine(_interpreter(command), probe.Interest.of(matrix), waiting=output.progress))
    except DoctorError:
        return explanation


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
    if code < 0 and sys.platform != "win32":
        import resource

        number = -code
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the program has left its core, if any
        os.kill(os.getpid(), number)
    return code if code >= 0 else 128 - code
