"""`doctor triage`."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from doctor.commands import arguments, output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.fleet.corpus import CorpusText
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.triaged import Tally, TriagedText

_EXIT_CODES = """\
exit codes:
  0  every text has its row
  1  every text has its row, and of some it says why they could not be explained
  2  could not do what was asked; what is in FILE stays, and is gone on from
"""
_EXAMPLES = (
    "doctor triage issues/ --output rows.jsonl          # each file a text",
    "doctor triage issues.json --output rows.parquet    # an export of GitHub's",
    "doctor triage logs.jsonl --output rows.jsonl --workers 8",
    "doctor triage logs.jsonl --output rows.jsonl --ray auto",
)
_MOST_ROW = 1024 * 1024
"""Bytes of a row; the longest have some thousand."""


def add(commands: Any) -> None:
    """Declare `doctor triage` to the parser."""
    triage = arguments.add_command(
        commands,
        "triage",
        "explain a whole corpus of failures, a row for each",
        (
            "Explain every text of a corpus as `doctor explain` does: a row for each with its\n"
            "cause, versions, labels and duplicates, then a summary. Stopped or killed, the same\n"
            "command goes on where it was."
        ),
        _EXIT_CODES,
        examples=_EXAMPLES,
    )
    triage.add_argument("corpus", metavar="CORPUS", help="a folder of texts, JSON lines, a JSON list of issues (docs/triage.md), or Parquet")
    triage.add_argument("--output", metavar="FILE", help="write the rows to FILE, and go on from those it holds: JSON lines, or .parquet")
    triage.add_argument("--workers", type=_count, metavar="N", help="explain in so many processes (default: 1)")
    triage.add_argument("--ray", metavar="ADDRESS", help="explain on this Ray cluster: [ray://]HOST:PORT, or `auto`, the one this machine is of")
    arguments.add_runtime_env_option(triage)
    triage.add_argument("--format", choices=("terminal", "json"), default="terminal", help="of the summary; default: terminal")
    triage.add_argument("--redact", action="store_true", help="mask in ids and errors what `doctor report` masks")
    arguments.add_matrix_option(triage)
    triage.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    import sys

    from doctor.fleet.corpus import PARQUET, parquet, read_corpus
    from doctor.reports.json import as_json
    from doctor.reports.triaged import Tally, made_by, summary_lines

    if options.ray is not None and options.workers is not None:
        raise DoctorError("--workers: is for this machine; with --ray the cluster's own number counts")
    if options.runtime_env is not None and options.ray is None:
        raise DoctorError("--runtime-env: only with --ray")
    matrix, tally = arguments.matrix_of(options), Tally()
    if not os.path.exists(options.corpus):
        raise DoctorError(f"{options.corpus}: there is no such file or folder")
    rows = options.output
    if rows is not None and rows.endswith(PARQUET):
        parquet(f"--output {rows}: to write")
        rows += ".rows.jsonl"
    if rows != options.output and os.path.exists(options.output):
        raise DoctorError(f"--output {options.output}: is there already, and whole")
    with _destination(rows) as page:
        corpus = read_corpus(options.corpus)
        _go_on(rows, corpus, tally, made_by(matrix), redact=options.redact)
        _explain(page, corpus, tally, options)
    if rows != options.output:
        _as_parquet(rows, options.output)
    summary = tally.summary(made_by(matrix))
    text = as_json(summary) if options.format == "json" else "".join(f"{output.printable(line)}\n" for line in summary_lines(summary))
    page = sys.stderr if rows is None else sys.stdout
    if page is not None:
        output.write_text(page, text)
    return 1 if summary.errors else 0


def _explain(page: TextIO, corpus: Iterator[CorpusText], tally: Tally, options: argparse.Namespace) -> None:
    from doctor.facts.frozen import replace
    from doctor.reports.json import as_json_line

    with contextlib.ExitStack() as stack:
        rows = stack.enter_context(contextlib.closing(_rows(corpus, options, stack)))
        went = stack.enter_context(output.stepped(f"explaining {options.corpus}"))
        for number, row in enumerate(rows, 1):
            named = replace(row, duplicate_of=tally.first_of(row.key))
            output.write_text(page, as_json_line(named))
            tally.add(named)
            went(number, number)


def _rows(corpus: Iterator[CorpusText], options: argparse.Namespace, stack: contextlib.ExitStack) -> Generator[TriagedText, None, None]:
    """The rows of the texts in their order: made here, in processes, or on a cluster that is left when the stack is."""
    from doctor.fleet.workers import in_processes

    matrix = tuple(options.matrix or ("builtin",))
    work = functools.partial(triaged, matrix=matrix, redact=options.redact)
    died = functools.partial(_died, matrix=matrix, redact=options.redact)
    if options.ray is None:
        return in_processes(work, corpus, options.workers or 1, died)
    from doctor.fleet.cluster import connected, in_cluster
    from doctor.fleet.corpus import carried

    ray = stack.enter_context(connected(options.ray, arguments.runtime_env_of(options)))
    return in_cluster(ray, work, map(carried, corpus), died)


# In each process


def triaged(texts: Sequence[CorpusText], matrix: tuple[str, ...], *, redact: bool) -> list[TriagedText]:
    """The rows of some texts; `matrix` are the files that are taken for it."""
    from doctor.commands.explain import texts as read_files
    from doctor.commands.explaining import explained_text
    from doctor.reports.triaged import failed_row, row_of

    loaded, words, masked = _loaded(matrix), _own_words(matrix), _mask(redact)
    rows = []
    for each in texts:
        named = masked(each.id)
        if each.error is not None:
            rows.append(failed_row(named, each.created, each.error, loaded))
            continue
        pieces: Iterable[Iterator[bytes]] = read_files([each.file], bar=False) if each.file is not None else [iter([each.content or b""])]
        explained = explained_text(os.path.basename(each.file or "") or "the text", pieces, loaded, words=words, redact=redact)
        rows.append(row_of(named, each.created, explained, loaded))
    return rows


def _died(text: CorpusText, matrix: tuple[str, ...], *, redact: bool) -> TriagedText:
    from doctor.reports.triaged import failed_row

    return failed_row(
        _mask(redact)(text.id), text.created, "the process that read it was ended, as the system does for want of memory", _loaded(matrix)
    )


@functools.cache
def _loaded(matrix: tuple[str, ...]) -> Matrix:
    from doctor.knowledge.matrix_file import load_matrix

    return load_matrix(matrix)


@functools.cache
def _own_words(matrix: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_loaded(matrix).own_words)


@functools.cache
def _mask(redact: bool) -> Any:
    from doctor.commands.reporting import gate

    return gate(redact).text


# The rows that are there


@contextlib.contextmanager
def _destination(rows: str | None) -> Iterator[TextIO]:
    """The file that rows are added to, up to its last whole row; or stdout."""
    if rows is None:
        with output.destination(None) as page:
            yield page
        return
    try:
        with open(rows, "a+b") as file:
            file.truncate(_whole_rows(file))
        with open(rows, "a", encoding="utf-8", errors="replace", newline="\n") as page:
            yield page
    except OSError as error:
        raise DoctorError(f"--output {rows}: cannot be written: {error.strerror}") from None


def _whole_rows(file: Any) -> int:
    """Where the last whole line of a file ends."""
    end: int = file.seek(0, os.SEEK_END)
    start = max(end - _MOST_ROW, 0)
    file.seek(start)
    last: int = file.read().rfind(b"\n")
    return start + last + 1


def _go_on(rows: str | None, corpus: Iterator[CorpusText], tally: Tally, by: str, *, redact: bool) -> None:
    """Count the rows that are there, and pass over their texts. Raises `DoctorError` where they are of another corpus, or another doctor's."""
    if rows is None:
        return
    from doctor.knowledge import schema
    from doctor.reports.triaged import TriagedText

    masked = _mask(redact)
    for row in _rows_in(rows):
        text = next(corpus, None)
        if any(schema.mismatches(TriagedText, row)) or text is None or row["id"] != masked(text.id):
            raise DoctorError(f"--output {rows}: holds rows of something else than this corpus; name another file")
        if row["made_by"] != by:
            raise DoctorError(f"--output {rows}: its rows were made by {row['made_by']}, and this is {by}; name another file")
        tally.add(schema.construct(TriagedText, row))


def _rows_in(rows: str) -> Iterator[Any]:
    import json

    with open(rows, "rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                yield None


def _as_parquet(rows: str, target: str) -> None:
    """The rows as columns: mappings are JSON text, as not every reader of Parquet knows them."""
    import json

    import pyarrow

    from doctor.fleet.corpus import parquet
    from doctor.fleet.workers import batches

    texts = ("document", "made_by", "id", "created", "outcome", "cause", "advisory", "foreign", "question", "key", "duplicate_of", "error")
    kinds = {name: pyarrow.string() for name in (*texts, "stated", "dated")}
    kinds |= {"schema_version": pyarrow.int64(), "confidence": pyarrow.float64()}
    kinds |= {name: pyarrow.list_(pyarrow.string()) for name in ("labels", "wanted", "contradicts")}
    unfinished = f"{target}.unfinished"
    with parquet(unfinished).ParquetWriter(unfinished, pyarrow.schema(list(kinds.items()))) as writer:
        for batch in batches(_rows_in(rows), 10_000):
            plain = [{**row, "stated": json.dumps(row["stated"]), "dated": json.dumps(row["dated"])} for row in batch]
            writer.write_table(pyarrow.Table.from_pylist(plain, schema=writer.schema))
    os.replace(unfinished, target)
    os.unlink(rows)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:5]) <= 1024:
        raise argparse.ArgumentTypeError(f"expected a number of processes from 1 to 1024, found {text!r}")
    return int(text)
