"""The parser of the whole command line."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

from doctor.commands import output
from doctor.commands.arguments import EXIT_CODES, Parser
from doctor.commands.completion import SHELLS, PrintCompletion
from doctor.version import __version__

COMMANDS = ("check", "explain", "triage", "run", "date", "confirm", "fix", "report", "compare", "fleet", "fit", "verify", "matrix", "mcp", "site")
_DESCRIPTION = """\
Examine a PyTorch / transformers / accelerate environment for known meta-tensor
problems. Without a command: `check`. In place of a command, a log is explained,
an environment's folder examined, and an advisory (MT080) shown.
"""
_EPILOG = f"""\
examples:
  doctor                    # the environment that is active
  doctor explain issue.txt  # a traceback, a log, an issue's text
  doctor check train.py     # a program, before it fails
  doctor COMMAND --help     # has examples of each

{EXIT_CODES}"""


class _Version(argparse.Action):
    """Prints the release of doctor, and of its matrix the day and where it comes from, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        """Print them."""
        from doctor.commands.arguments import own_matrix

        matrix = own_matrix()
        with output.destination(None) as page:
            output.write_text(page, f"meta-tensor-doctor {__version__}, matrix {matrix.version} ({output.printable(matrix.source)})\n")
        parser.exit()


def parser_of(first: str) -> argparse.ArgumentParser:
    """The parser of the command that stands first; of all commands when it is none, as in `doctor --help`."""
    parser = Parser(
        prog="doctor",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action=_Version, nargs=0, help="show the release, and which matrix is in use")
    parser.add_argument(
        "--print-completion", action=PrintCompletion, choices=SHELLS, metavar="SHELL", help=f"print the completion for {', '.join(SHELLS)}"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in (first,) if first in COMMANDS else COMMANDS:
        import_module(f"doctor.commands.{name}").add(commands)
    return parser


def parsers_in(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """A parser and those of its commands."""
    below = [each for action in parser._actions if isinstance(action, argparse._SubParsersAction) for each in action.choices.values()]
    return [parser, *(more for each in below for more in parsers_in(each))]
