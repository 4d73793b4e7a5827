"""The command line: arguments in, exit code out, nothing else. What a command needs is imported when it runs: start-up is a budget."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from doctor.commands import check, compare, confirm, date, explain, matrix, output, report, run
from doctor.commands.arguments import EXIT_CODES
from doctor.errors import DoctorError
from doctor.version import __version__

_COMMANDS = (check, explain, run, date, confirm, report, compare, matrix)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; `arguments` without the program's name (None: the process's). Returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "check")
    options = _parser().parse_args(given)
    try:
        output.accept_any_text()
        output.end_children_when_terminated()
        code: int = options.run(options)
        return code
    except DoctorError as error:
        for line in str(error).splitlines():
            output.complain(line)
        return 2
    except KeyboardInterrupt:
        output.complain("interrupted")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="doctor",
        description="Examine a PyTorch / transformers / accelerate environment for known meta-tensor\nproblems.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"meta-tensor-doctor {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add(commands)
    return parser
