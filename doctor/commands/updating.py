"""What `doctor matrix update` does: a newer matrix than the one in use, without a newer doctor."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from doctor.commands import arguments, output
from doctor.commands.reporting import gate
from doctor.errors import DoctorError
from doctor.version import __version__

if TYPE_CHECKING:
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.matrix import MatrixUpdate


def update(options: argparse.Namespace) -> int:
    """Take what the options name, or take away what was taken before."""
    from doctor.knowledge.updates import remove
    from doctor.reports.document import summary_of_matrix
    from doctor.reports.matrix import MatrixUpdate

    if options.remove == (options.place is not None):
        raise DoctorError("matrix update: name a FILE or URL to take a matrix from, or --remove to go back to the built-in one")
    if options.remove and options.sha256 is not None:
        raise DoctorError("matrix update: --sha256 is of what is taken, and --remove takes nothing")
    with output.destination(options.output) as page:
        before = arguments.own_matrix()
        sha256 = None
        if options.remove:
            remove()
        else:
            sha256 = _taken(options.place, options.sha256)
        now = arguments.own_matrix()
        changed = (now.version, now.source) != (before.version, before.source)
        document = gate(False).value(
            MatrixUpdate(2, "matrix-update", __version__, summary_of_matrix(now), summary_of_matrix(before), changed, sha256, 0)
        )
        output.write(page, options.format, document, lambda console: console.print(_sentence(document), soft_wrap=True))
    return 0


def _sentence(document: MatrixUpdate) -> str:
    now, before = document.matrix, document.before
    what = f"Matrix {now.version} ({now.source}, {now.advisories} advisories) is in use"
    return f"{what}; before it was {before.version} ({before.source})." if document.changed else f"{what}, as before."


def _taken(place: str, sha256: str | None) -> str:
    """Keep the matrix at a path or address if it is newer than the one in use, and give its checksum. Raises `DoctorError` when it is refused."""
    from doctor.knowledge.matrix_file import MAX_BYTES, load_matrix
    from doctor.knowledge.updates import is_newer, keep, older
    from doctor.readers.published import read_published

    with output.progress(f"taking {place}"):
        published = read_published(place, sha256, MAX_BYTES)
        matrix = _parsed(published.content, published.place)
        before = load_matrix()  # now: another update may have come first
        if is_newer(before.version, matrix.version):
            raise DoctorError(older(published.place, matrix.version, before.version, before.source))
        if is_newer(matrix.version, before.version):
            keep(matrix, published.content, published.place, published.sha256)
    return published.sha256


def _parsed(content: bytes, place: str) -> Matrix:
    """The matrix in the YAML. Raises `DoctorError` in one line, whatever is wrong with it."""
    from doctor.knowledge.matrix_file import MatrixFileError, parse_matrix
    from doctor.knowledge.updates import day_of

    try:
        matrix = parse_matrix(content, place)
    except MatrixFileError as error:
        first, *more = error.lines
        others = f"; and {len(more)} more faults, which `doctor matrix validate` lists of a file" if more else ""
        raise DoctorError(f"{first}: no matrix that this doctor can read{others}") from None
    if day_of(matrix.version) is None:
        raise DoctorError(f"{place}: its version is {matrix.version!r} and no date such as 2026.11.29, so that nothing says whether it is newer")
    return matrix
