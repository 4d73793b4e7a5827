"""The commands: arguments in, exit code out, nothing else. Imports what a command needs when it runs: start-up is a budget."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from doctor import __version__, output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.diagnosis import Diagnosis
    from doctor.matrix import Matrix

_SEVERITIES = ("silent", "error", "warning")
_EPILOG = """\
exit codes:
  0  nothing found, and everything that could have been found was looked for
  1  something was found
  2  could not do what was asked, or nothing was found but a fact was missing
"""


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
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"meta-tensor-doctor {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_check(commands)
    _add_confirm(commands)
    _add_matrix(commands)
    return parser


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="examine an environment (the default command)",
        description="Say what is installed, what of it is known to break model loading, and what to\ndo.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("--python", metavar="PATH", help="examine this interpreter or environment folder (default: the active one)")
    check.add_argument("--no-live", action="store_true", help="run nothing of the environment examined; torch is then not asked")
    check.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="how long torch may take to answer (default: 30)")
    check.add_argument("--package", action="append", metavar="NAME", help="only findings about this package (may be repeated)")
    check.add_argument("--id", action="append", metavar="ID", help="only this advisory, by id or slug (may be repeated)")
    check.add_argument("--severity", action="append", choices=_SEVERITIES, help="only this severity (may be repeated)")
    check.add_argument("-v", "--verbose", action="store_true", help="show every finding whole")
    _add_matrix_option(check)
    _add_output_options(check)
    check.set_defaults(run=_check)


def _add_confirm(commands: Any) -> None:
    confirm = commands.add_parser(
        "confirm",
        help="run the reproducers of what was found",
        description=(
            "Run the reproducers of the findings (or of the ids named) in the environment\n"
            "examined, each in a temporary folder, offline and with limits, and say which\n"
            "findings are confirmed there and which are cleared."
        ),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    confirm.add_argument("id", nargs="*", metavar="ID", help="ids or slugs of advisories (default: all that were found)")
    confirm.add_argument("--python", metavar="PATH", help="examine this interpreter or environment folder (default: the active one)")
    confirm.add_argument("--device", choices=("cpu", "any"), default="cpu", help="`any` lets the reproducers see the GPUs (default: cpu)")
    confirm.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="how long torch, and each reproducer, may take (default: 30 and 120)")
    confirm.add_argument("-v", "--verbose", action="store_true", help="show every finding whole")
    _add_matrix_option(confirm)
    _add_output_options(confirm)
    confirm.set_defaults(run=_confirm)


def _add_matrix(commands: Any) -> None:
    matrix = commands.add_parser("matrix", help="list, show or validate advisories")
    actions = matrix.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every advisory, a line each")
    show = actions.add_parser("show", help="one advisory, whole")
    show.add_argument("id", metavar="ID", help="an id or slug")
    validate = actions.add_parser("validate", help="check a matrix file; all its faults are listed")
    validate.add_argument("file", metavar="FILE")
    for action, run in ((listing, _matrix_list), (show, _matrix_show), (validate, _matrix_validate)):
        if action is not validate:
            _add_matrix_option(action)
        _add_output_options(action)
        action.set_defaults(run=run)


def _add_matrix_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--matrix",
        action="append",
        metavar="FILE",
        help="use this matrix instead of the built-in one; repeat it, with `builtin` as a file, to use several",
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("terminal", "json"), default="terminal", help="default: terminal")
    parser.add_argument("--output", metavar="FILE", help="write to FILE (replaced whole or not at all) instead of the terminal")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86400:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, found {text!r}")
    return seconds


# The commands


def _check(options: argparse.Namespace) -> int:
    from doctor import probe
    from doctor.diagnosis import Narrowing, diagnose
    from doctor.releases import known_releases

    _mention_other_doctor()
    with output.destination(options.output) as page:
        matrix = _matrix(options)
        narrowing = Narrowing(
            packages=tuple(_known_package(name, matrix) for name in options.package or ()),
            ids=tuple(_known_id(name, matrix) for name in options.id or ()),
            severities=tuple(options.severity or ()),
        )
        environment = probe.examine(
            options.python,
            probe.Interest.of(matrix),
            live=not options.no_live,
            timeout=options.timeout or probe.TORCH_TIMEOUT_SECONDS,
            waiting=output.progress,
        )
        diagnosis = diagnose(environment, matrix, known_releases(), narrowing)
        _report(page, options, diagnosis)
    return diagnosis.exit_code


def _confirm(options: argparse.Namespace) -> int:
    from doctor import probe
    from doctor.diagnosis import Narrowing, diagnose
    from doctor.releases import known_releases
    from doctor.reproduce import SECONDS, reproducers, run_reproducers

    with output.destination(options.output) as page:
        matrix = _matrix(options)
        narrowing = Narrowing(ids=tuple(_known_id(name, matrix) for name in options.id))
        scripts = reproducers()
        without = [each for each in narrowing.ids if each not in scripts]
        if without:
            raise DoctorError(f"{', '.join(without)}: no reproducer, so nothing to confirm; `doctor matrix show {without[0]}` says what is known")
        timeout = options.timeout or probe.TORCH_TIMEOUT_SECONDS
        environment = probe.examine(options.python, probe.Interest.of(matrix), timeout=timeout, waiting=output.progress)
        diagnosis = diagnose(environment, matrix, known_releases(), narrowing)
        wanted = narrowing.ids or tuple(each.id for each in diagnosis.findings if each.id in scripts)
        if wanted and environment.torch.importable:
            with output.counted(len(wanted)) as ended:
                observed = run_reproducers(
                    environment.python.executable,
                    [scripts[each] for each in wanted],
                    device=options.device,
                    seconds=options.timeout or SECONDS,
                    ended=ended,
                )
            diagnosis = diagnose(environment, matrix, known_releases(), narrowing, observed.observations)
        _report(page, options, diagnosis)
    return diagnosis.exit_code


def _report(page: TextIO, options: argparse.Namespace, diagnosis: Diagnosis) -> None:
    """The report on a diagnosis, through the one gate that masks what is private."""
    from doctor.reports.document import report_on
    from doctor.reports.redact import Redactor
    from doctor.upgrade.command import upgrade_command

    redactor = Redactor.of_this_machine()
    report = report_on(diagnosis, redactor)

    def show(console: Console) -> None:
        from doctor.reports.terminal import print_report

        command = upgrade_command(diagnosis.plan.changes, redactor.of_paths_only().value(diagnosis.environment))
        print_report(report, console, command, verbose=options.verbose or bool(options.id))

    output.write(page, options.format, report, show)


def _matrix_list(options: argparse.Namespace) -> int:
    from doctor.reports.document import listing_of
    from doctor.reports.matrix_view import print_listing

    matrix = _matrix(options)
    with output.destination(options.output) as page:
        output.write(page, options.format, listing_of(matrix, matrix.advisories), lambda console: print_listing(matrix, console))
    return 0


def _matrix_show(options: argparse.Namespace) -> int:
    from doctor.reports.document import listing_of
    from doctor.reports.matrix_view import print_advisory

    matrix = _matrix(options)
    advisory = matrix.advisory(options.id)
    if advisory is None:
        raise DoctorError(f"{options.id}: no such advisory; `doctor matrix list` shows all")
    with output.destination(options.output) as page:
        output.write(page, options.format, listing_of(matrix, (advisory,)), lambda console: print_advisory(advisory, matrix, console))
    return 0


def _matrix_validate(options: argparse.Namespace) -> int:
    from pathlib import Path

    from doctor.matrix_file import MatrixFileError, read_matrix
    from doctor.reports.document import FaultLine, Validation

    count, lines, faults, code = None, [], [], 0
    try:
        count = len(read_matrix(Path(options.file)).advisories)
        lines.append(f"{options.file}: a valid matrix of {count} advisories")
    except MatrixFileError as error:
        lines, faults, code = str(error).splitlines(), [FaultLine(each.line, each.place, each.message) for each in error.faults], 2
    validation = Validation(1, __version__, options.file, count, tuple(faults), code)
    if code and options.format == "terminal":
        for line in lines:
            output.complain(line)
        return code
    with output.destination(options.output) as page:
        output.write(page, options.format, validation, lambda console: console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True))
    return code


def _matrix(options: argparse.Namespace) -> Matrix:
    from doctor.matrix_file import load_matrix

    return load_matrix(options.matrix or ("builtin",))


def _known_package(name: str, matrix: Matrix) -> str:
    from packaging.utils import canonicalize_name

    normalised = canonicalize_name(name)
    if normalised not in matrix.packages:
        raise DoctorError(f"--package {name}: the matrix speaks of {', '.join(sorted(matrix.packages))}")
    return normalised


def _known_id(name: str, matrix: Matrix) -> str:
    from doctor.installation import KNOWN_FAULTS

    advisory = matrix.advisory(name)
    if advisory is not None:
        return advisory.id
    for slug, fault in KNOWN_FAULTS.items():
        if name.lower() in (fault.id.lower(), slug):
            return fault.id
    raise DoctorError(f"--id {name}: no such advisory; `doctor matrix list` shows all")


def _mention_other_doctor() -> None:
    """Say when `doctor` on PATH is another distribution's: env-doctor installs a script of that name too."""
    from doctor.names import owner_of_doctor_on_path

    owner = owner_of_doctor_on_path()
    if owner is not None:
        script, module = owner
        output.complain(f"note: {script} belongs to another program ({module}); this one is also `meta-tensor-doctor` and `python -m doctor`")
