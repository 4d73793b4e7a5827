"""`doctor matrix`."""

from __future__ import annotations

import argparse
from textwrap import fill
from typing import Any

from doctor.commands import arguments, output
from doctor.commands.reporting import gate
from doctor.errors import DoctorError
from doctor.version import __version__

_EXAMPLES = {
    "list": "doctor matrix list --format json",
    "show": "doctor matrix show MT080              # or by its slug",
    "validate": "doctor matrix validate my-matrix.yaml",
    "vocabulary": "doctor matrix vocabulary",
    "advice": "doctor matrix advice strict=False     # in which these words stand",
    "update": "doctor matrix update compat.yaml       # with compat.yaml.sha256 beside it",
    "export": "doctor matrix export --output osv.json  # OSV records",
}


def add(commands: Any) -> None:
    """Declare `doctor matrix` and its actions to the parser."""
    matrix = commands.add_parser(
        "matrix",
        help="list, show, validate, export or update advisories",
        description="The known problems that doctor examines for, and the releases they live in.",
        epilog=f"examples:\n  {_EXAMPLES['show']}\n  {_EXAMPLES['export']}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = matrix.add_subparsers(title="actions", metavar="ACTION", required=True)

    def action(name: str, help: str) -> argparse.ArgumentParser:
        return arguments.add_command(actions, name, help, fill(f"{help[0].upper()}{help[1:]}.", 80), "", examples=(_EXAMPLES[name],))

    listing = action("list", "every advisory, a line each")
    show = action("show", "one advisory, whole")
    show.add_argument("id", metavar="ID", help="an id or slug")
    validate = action("validate", "check a matrix file; all its faults are listed")
    validate.add_argument("file", metavar="FILE")
    vocabulary = action("vocabulary", "the words by which an advisory says what a program must do for it to bite")
    advice = action("advice", "wrong advice in circulation: why it does not help, and what to do instead")
    advice.add_argument("words", nargs="*", metavar="WORD", help="only advice in which all these words stand")
    export = action("export", "the whole matrix, for other programs: as OSV records, or with all that doctor knows")
    arguments.add_matrix_option(export)
    export.add_argument("--format", choices=("osv", "json"), default="osv", help="a list of OSV records, or what `list --format json` writes")
    arguments.add_output_option(export)
    export.set_defaults(run=_export)
    update = action("update", "use a newer matrix than the one in use, whose checksum is met, without a newer doctor")
    update.add_argument("place", nargs="?", metavar="FILE|URL", help="the matrix, with its checksum beside it in a file of that name and .sha256")
    update.add_argument("--sha256", metavar="DIGITS", help="the checksum it must have, in place of the one beside it")
    update.add_argument("--remove", action="store_true", help="go back to the matrix that doctor ships")
    for parser, run in ((listing, _list), (show, _show), (validate, _validate), (vocabulary, _vocabulary), (advice, _advice), (update, _update)):
        if parser in (listing, show, advice):
            arguments.add_matrix_option(parser)
        arguments.add_output_options(parser)
        parser.set_defaults(run=run)


def _list(options: argparse.Namespace) -> int:
    from doctor.reports.matrix import listing_of
    from doctor.reports.terminal.matrix import print_listing

    matrix = arguments.matrix_of(options)
    with output.destination(options.output) as page:
        output.write(page, options.format, listing_of(matrix, matrix.advisories), lambda console: print_listing(matrix, console))
    return 0


def _show(options: argparse.Namespace) -> int:
    from doctor.reports.matrix import listing_of
    from doctor.reports.terminal.matrix import print_advisory

    matrix = arguments.matrix_of(options)
    advisory = matrix.advisory(options.id)
    if advisory is None:
        raise DoctorError(f"{options.id}: no such advisory; `doctor matrix list` shows all")
    with output.destination(options.output) as page:
        output.write(page, options.format, listing_of(matrix, (advisory,)), lambda console: print_advisory(advisory, matrix, console))
    return 0


def _export(options: argparse.Namespace) -> int:
    from doctor.knowledge.releases import known_releases
    from doctor.reports.json import as_json
    from doctor.reports.matrix import listing_of
    from doctor.reports.osv import osv_records

    matrix = arguments.matrix_of(options)
    document = osv_records(matrix, known_releases(matrix)) if options.format == "osv" else listing_of(matrix, matrix.advisories)
    with output.destination(options.output) as page:
        output.write_text(page, as_json(document))
    return 0


def _vocabulary(options: argparse.Namespace) -> int:
    from doctor.reports.matrix import vocabulary_of
    from doctor.reports.terminal.matrix import print_vocabulary

    document = vocabulary_of(arguments.own_matrix())
    with output.destination(options.output) as page:
        output.write(page, options.format, document, lambda console: print_vocabulary(document, console))
    return 0


def _advice(options: argparse.Namespace) -> int:
    from doctor.reports.matrix import advice_listing_of
    from doctor.reports.terminal.matrix import print_advice

    document = gate(False).value(advice_listing_of(arguments.matrix_of(options), tuple(options.words)))
    with output.destination(options.output) as page:
        output.write(page, options.format, document, lambda console: print_advice(document, console))
    return document.exit_code


def _update(options: argparse.Namespace) -> int:
    from doctor.commands.updating import update

    return update(options)


def _validate(options: argparse.Namespace) -> int:
    from pathlib import Path

    from doctor.knowledge.matrix_file import MatrixFileError, read_matrix
    from doctor.reports.matrix import FaultLine, Validation

    count, lines, faults, code = None, [], [], 0
    try:
        count = len(read_matrix(Path(options.file)).advisories)
        lines.append(output.printable(f"{options.file}: a valid matrix of {count} advisories"))
    except MatrixFileError as error:
        lines, faults, code = list(error.lines), [FaultLine(each.line, each.place, each.message) for each in error.faults], 2
    validation = gate(False).value(Validation(2, "validation", __version__, options.file, count, tuple(faults), code))
    if code and options.format == "terminal":
        for line in lines:
            output.complain(line)
        return code
    with output.destination(options.output) as page:
        output.write(
            page,
            options.format,
            validation,
            lambda console: console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True),
        )
    return code
