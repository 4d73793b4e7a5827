"""What several commands share: their options, and what those name."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from doctor.commands import output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.knowledge.matrix import Matrix

EXIT_CODES = """\
exit codes:
  0  nothing that concerns this environment or program; what bites only those
     who use it does not count, unless --strict says so
  1  something that does
  2  could not do what was asked, or nothing was found but a fact was missing
"""
_MOST_JSON = 1024 * 1024


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line, and says what was meant."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does it, but what is left over is complained of here, where it is known what could have been meant."""
        found, left = super().parse_known_args(args, namespace)
        if left:
            self.error(f"{next((each for each in left if each.startswith('-')), left[0])}: not known here{self._meant(left)}")
        return found, left

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where it stands what would be right."""
        raise DoctorError(f"{message}; `{self.prog} --help` shows what it takes")

    def _meant(self, left: list[str]) -> str:
        from difflib import get_close_matches

        options = re.findall(r"--[a-z-]+", self.format_usage())
        close = [found for each in left if each.startswith("-") for found in get_close_matches(each.partition("=")[0], options, 1)]
        return f", did you mean {close[0]}?" if close else ""


def add_command(
    commands: Any, name: str, help: str, description: str, exit_codes: str = EXIT_CODES, *, examples: Sequence[str]
) -> argparse.ArgumentParser:
    """The parser of a command that takes arguments of its own; `examples` are whole command lines, each with a comment if it needs one."""
    epilog = "\n".join(("examples:", *(f"  {each}" for each in examples), "", exit_codes))
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return parser


def add_matrix_option(parser: argparse.ArgumentParser) -> None:
    """`--matrix`."""
    parser.add_argument(
        "--matrix",
        action="append",
        metavar="FILE",
        help="use this matrix instead of doctor's own; repeat it, with `builtin` for doctor's own, to use several",
    )


def add_output_options(parser: argparse.ArgumentParser, *more_formats: str) -> None:
    """`--format` and `--output`."""
    parser.add_argument("--format", choices=("terminal", "json", *more_formats), default="terminal", help="default: terminal")
    add_output_option(parser)


def add_output_option(parser: argparse.ArgumentParser) -> None:
    """`--output`."""
    parser.add_argument("--output", metavar="FILE", help="write to FILE (replaced whole or not at all) instead of the terminal")


def add_timeout_option(parser: argparse.ArgumentParser) -> None:
    """`--timeout`, of an examination."""
    about = "how long Python may take to start, and torch to answer (default: 30)"
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help=about)


def add_redact_option(parser: argparse.ArgumentParser) -> None:
    """`--redact`."""
    parser.add_argument("--redact", action="store_true", help="mask what `doctor report` masks, for output that others will see")


def seconds(text: str) -> float:
    """A time on the command line: more than none, less than a day."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 86400:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, found {text!r}")
    return number


def json_object(text: str, named: str, expected: str) -> dict[str, Any]:
    """A JSON object on the command line. Raises `DoctorError` for anything else: how it is `named`, and what was `expected`."""
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DoctorError(f"{named}: expected {expected}")
    return found


def add_runtime_env_option(parser: argparse.ArgumentParser) -> None:
    """`--runtime-env`."""
    parser.add_argument("--runtime-env", metavar="JSON", help="with --ray: the runtime environment of the jobs, or a file of it")


def runtime_env_of(options: argparse.Namespace) -> dict[str, Any]:
    """What `--runtime-env` says: JSON, or a file of it. Raises `DoctorError` for anything else, without a word of it: it may hold tokens."""
    from pathlib import Path

    from doctor.files import read_file

    text, expected = options.runtime_env, "a JSON object as ray.init takes it, or a file of one"
    if text is None:
        return {}
    if not text.lstrip().startswith("{"):
        try:
            text = read_file(Path(text), _MOST_JSON).decode("utf-8", "replace")
        except OSError as error:
            raise DoctorError(f"--runtime-env: expected {expected}: {error.strerror}") from None
    return json_object(text, "--runtime-env", expected)


def matrix_of(options: argparse.Namespace) -> Matrix:
    """The matrix the options name. Raises `MatrixFileError`."""
    from doctor.knowledge.matrix_file import load_matrix

    return _told(load_matrix(options.matrix or ("builtin",)))


def own_matrix() -> Matrix:
    """The matrix of a command that has no `--matrix`."""
    from doctor.knowledge.matrix_file import load_matrix

    return _told(load_matrix())


def _told(matrix: Matrix) -> Matrix:
    """The matrix, and on stderr that an update could not be used in its place."""
    if matrix.unused is not None:
        output.complain(matrix.unused)
    return matrix


def known_package(name: str, matrix: Matrix) -> str:
    """A package named on the command line, normalised. Raises `DoctorError` when the matrix does not speak of it."""
    from doctor.knowledge.matrix import normalised_name

    normalised = normalised_name(name)
    if normalised not in matrix.packages:
        raise DoctorError(f"--package {name}: the matrix speaks of {', '.join(sorted(matrix.packages))}")
    return normalised


def known_id(name: str, matrix: Matrix, option: str = "--id ") -> str:
    """The id of an advisory or installation fault named by id or slug, after `option`. Raises `DoctorError` when there is none."""
    from doctor.knowledge.installation import KNOWN_FAULTS

    advisory = matrix.advisory(name)
    if advisory is not None:
        return advisory.id
    for slug, fault in KNOWN_FAULTS.items():
        if name.lower() in (fault.id.lower(), slug):
            return fault.id
    raise DoctorError(f"{option}{name}: no such advisory; `doctor matrix list` shows all")
