"""`doctor mcp`."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from typing import Any

from doctor.commands import arguments
from doctor.errors import DoctorError

_DESCRIPTION = """\
Answer an agent over the Model Context Protocol on standard input and output: the
tools check_environment, explain_failure, date_traceback, check_program, fit_model
and lookup_advisory. They read in the folders that the client names as its roots,
and nowhere else; nothing is run unless a call asks for it."""
_EXIT_CODES = """\
exit codes:
  0  the client has gone
  2  could not do what was asked
"""
_STACK_BYTES = 16 * 1024 * 1024
"""Tools work in threads, and programs and texts are as deeply nested there as on the main thread."""

_EXAMPLES = (
    "doctor mcp  # as an agent's client starts it",
    "doctor mcp --python ~/project/.venv --root ~/project",
)


def add(commands: Any) -> None:
    """Declare `doctor mcp` to the parser."""
    mcp = arguments.add_command(
        commands, "mcp", "answer an agent, over the Model Context Protocol (stdio)", _DESCRIPTION, _EXIT_CODES, examples=_EXAMPLES
    )
    mcp.add_argument("--python", metavar="PATH", help="the environment that is meant where a call names none (default: the .venv in a root)")
    mcp.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder that may be read beside the client's roots; for a client without roots, instead of the current folder (may be repeated)",
    )
    arguments.add_matrix_option(mcp)
    mcp.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    import os
    import threading

    if find_spec("mcp") is None:
        raise DoctorError("mcp: needs the protocol's own library: pip install 'meta-tensor-doctor[mcp]'")
    missing = next((each for each in options.root if not os.path.isdir(each)), None)
    if missing is not None:
        raise DoctorError(f"--root {missing}: is no folder")
    from doctor.commands.agent.server import serve

    threading.stack_size(_STACK_BYTES)
    serve(arguments.matrix_of(options), options.python, options.root)
    return 0
