"""`doctor site`."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from doctor.commands import arguments, output
from doctor.errors import DoctorError

_DESCRIPTION = """\
Build the static site: every advisory with the releases it was run on, what changes
from one release to another, the docs, and `doctor explain` in the browser. It needs
no server, works under any path, and fetches nothing from anywhere else."""
_EXIT_CODES = """\
exit codes:
  0  the site is there
  2  could not do what was asked; what was there is as it was
"""
_EXAMPLES = (
    "doctor site -o public",
    "doctor site -o public --pyodide node_modules/pyodide --force",
)
_NEEDED = ("jinja2", "markdown_it", "mdit_py_plugins")
_MARK = ".doctor-site"
"""A file that says that a folder is a site of doctor's: only such a one is replaced."""


def add(commands: Any) -> None:
    """Declare `doctor site` to the parser."""
    site = arguments.add_command(
        commands, "site", "build the site: matrix, docs, explaining in the browser", _DESCRIPTION, _EXIT_CODES, examples=_EXAMPLES
    )
    site.add_argument("-o", "--output", metavar="DIR", required=True, help="the folder to make")
    site.add_argument("--force", action="store_true", help="replace DIR where it is an older site")
    site.add_argument(
        "--pyodide",
        metavar="DIR",
        help="the folder of the npm package `pyodide`, for explaining in the browser (default: node_modules/pyodide, where it is there)",
    )
    site.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if any(find_spec(each) is None for each in _NEEDED):
        raise DoctorError("site: needs what pages are made with: pip install 'meta-tensor-doctor[site]'")
    target = Path(options.output)
    _refuse(target, force=options.force)
    from doctor.knowledge.evidence import known_evidence
    from doctor.knowledge.matrix_file import builtin_file
    from doctor.knowledge.releases import known_releases
    from doctor.reproduce import reproducers
    from doctor.site.browser import runtime
    from doctor.site.build import Sources, site

    found = Path("node_modules", "pyodide")
    pyodide = Path(options.pyodide) if options.pyodide is not None else found if found.is_dir() else None
    if pyodide is None:
        output.complain("no Pyodide is named or in node_modules: the site explains nothing in the browser (npm install pyodide)")
    shipped = builtin_file().parent / "docs"
    matrix = arguments.own_matrix()
    sources = Sources(
        matrix=matrix,
        evidence=known_evidence(),
        releases=known_releases(matrix),
        scripts=reproducers(),
        docs=shipped if shipped.is_dir() else builtin_file().parent.parent / "docs",
        help=_help(),
        runtime=runtime(pyodide) if pyodide is not None else None,
    )
    with output.progress("building the site"):
        _write(target, site(sources))
    return 0


def _help() -> Mapping[str, str]:
    """What `--help` prints, 80 columns wide, by the command it is of."""
    from doctor.commands.parser import parser_of, parsers_in

    def text(parser: argparse.ArgumentParser) -> str:
        parser.formatter_class = partial(argparse.RawDescriptionHelpFormatter, width=80)
        return parser.format_help()

    return {each.prog: text(each) for each in parsers_in(parser_of("--help"))}


def _refuse(target: Path, *, force: bool) -> None:
    """Raise `DoctorError` where the folder is not to be replaced."""
    if not os.path.lexists(target):
        return
    if not target.is_dir() or target.is_symlink():
        raise DoctorError(f"--output {target}: is there, and is no folder")
    with contextlib.suppress(OSError):
        if not os.listdir(target):
            return
    if not (target / _MARK).is_file():
        raise DoctorError(f"--output {target}: is there, and no site of doctor's: name another folder")
    if not force:
        raise DoctorError(f"--output {target}: is there already; --force replaces it")


def _write(target: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Make the folder whole or not at all."""
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        with _unfinished(target.absolute()) as folder:
            for name, content in (*files, (_MARK, b"")):
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            _replace(target.absolute(), folder)
    except OSError as error:
        raise DoctorError(f"--output {target}: cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A folder beside `target`; removed if it still has its name in the end."""
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace(target: Path, folder: Path) -> None:
    """Put the folder in the place of `target`, which is put back where that fails."""
    old = folder.with_name(f"{folder.name}.old")
    there = target.is_dir()
    if there:
        target.rename(old)
    try:
        folder.rename(target)
    except OSError:
        if there:
            old.rename(target)
        raise
    if there:
        shutil.rmtree(old, ignore_errors=True)
