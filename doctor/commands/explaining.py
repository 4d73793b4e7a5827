"""From one text to its explanation, as every command that reads texts of failures takes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from doctor.commands.asking import found_in
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.explain.text import TextReader
    from doctor.facts.environment import Environment
    from doctor.knowledge.fact import Answer, Fact
    from doctor.knowledge.matrix import Matrix
    from doctor.reports.explained import ExplainedText

EXPECTED = "a traceback, a log, or the text of an issue or a chat"
_NO_WORDS = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
"""Byte order marks and blanks."""


def read_texts(texts: Iterable[Iterator[bytes]], names: Sequence[str], matrix: Matrix) -> TextReader:
    """A reader of the texts, which come in pieces, taken as one. Raises `DoctorError` where one is no text, or there are no words in them."""
    from doctor.explain.text import read_logs

    return read_logs(_with_words(texts, names), matrix, name=names[0] if len(names) == 1 else None)


def answer(reader: TextReader, given: Iterable[tuple[Fact, Answer]], here: Environment | None, matrix: Matrix) -> None:
    """Give the reader the answers of the command line, and then those of the environment that the text came from."""
    for fact, said in given:
        reader.answer(fact, said, "option")
    for fact, said in found_in(here, matrix) if here is not None else ():
        reader.answer(fact, said, "here")


def explained_text(
    name: str, text: Iterable[Iterator[bytes]], matrix: Matrix, *, words: Collection[str], here: Environment | None = None, redact: bool = False
) -> ExplainedText:
    """What became of one text of many; whatever is wrong with it is said there, and no reason not to go on. `words` are the matrix's own."""
    from doctor.commands.reporting import gate
    from doctor.reports.explained import ExplainedText
    from doctor.reports.explanation import explanation_report
    from doctor.reports.triage import labels_of

    masks = gate(redact, *([here] if here is not None else []), trusted=words)
    try:
        reader = read_texts(text, [name], matrix)
        answer(reader, (), here, matrix)
        report = explanation_report(reader.explanation(here), matrix, masks, name if name != "-" else None)
        return ExplainedText(2, "explained-text", masks.text(name), labels_of(report), None, report)
    except DoctorError as error:
        why = str(error)
    except Exception as error:  # of one text, not of all
        why = f"a fault of doctor's own, please report it: {type(error).__name__}: {error}"
    return ExplainedText(2, "explained-text", masks.text(name), (), masks.text(" ".join(why.split())), None)


def _with_words(texts: Iterable[Iterator[bytes]], names: Sequence[str]) -> Iterator[Iterator[bytes]]:
    """The texts. Raises `DoctorError` at their end when none of them holds anything."""
    empty = True

    def looked_at(text: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal empty
        for piece in text:
            empty = empty and not piece.strip(_NO_WORDS)
            yield piece

    for text in texts:
        yield looked_at(text)
    if empty:
        where = "the text" if list(names) == ["-"] else ", ".join(names)
        raise DoctorError(f"{where}: is empty; expected {EXPECTED}")
