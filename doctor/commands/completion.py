"""`doctor --print-completion SHELL`."""

from __future__ import annotations

import argparse
from typing import Any

SHELLS = ("bash", "zsh", "tcsh", "fish", "powershell")
"""Those that shtab writes for; they are named here so that it is not loaded for anything else."""
_FILES = ("FILE", "PROGRAM", "PATH", "MODEL", "SIDE", "-- PROGRAM ...")
_FOLDERS = ("DIR",)
"""What arguments are called that name something on the disk."""


class PrintCompletion(argparse.Action):
    """Prints the script that lets a shell complete the command line, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        """Print it, for the parser that this stands in."""
        import shtab

        from doctor.commands import output
        from doctor.commands.parser import parsers_in

        for each in parsers_in(parser):
            for action in each._actions:
                if action.metavar in (*_FILES, *_FOLDERS):
                    action.complete = shtab.DIRECTORY if action.metavar in _FOLDERS else shtab.FILE  # type: ignore[attr-defined]
        with output.destination(None) as page:
            output.write_text(page, shtab.complete(parser, shell=values))
        parser.exit()
