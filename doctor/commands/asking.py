"""Answers about facts, for `doctor explain`: as options, at a prompt, and from the environment the text came from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from doctor.commands.output import printable
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.explain.explanation import ExplainedFailure, Explanation
    from doctor.explain.text import TextReader
    from doctor.facts.environment import Environment
    from doctor.knowledge.fact import Answer, Fact
    from doctor.knowledge.matrix import Matrix

_MOST_QUESTIONS = 5


def answers_given(options: Sequence[str], matrix: Matrix) -> list[tuple[Fact, Answer]]:
    """What `--fact NAME=VALUE` says. Raises `DoctorError` for a fact that the matrix does not know, or a value that is no answer."""
    given = [_answer_given(option, matrix) for option in options]
    names = [fact.name for fact, _ in given]
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise DoctorError(f"--fact {twice}: given twice")
    return given


def _answer_given(option: str, matrix: Matrix) -> tuple[Fact, Answer]:
    name, equals, value = option.partition("=")
    if not equals:
        raise DoctorError(f"--fact {option}: expected NAME=VALUE, as in --fact threads=yes")
    facts = {fact.name: fact for fact in matrix.facts}
    if name not in facts:
        from difflib import get_close_matches

        close = get_close_matches(name, facts, 1)
        raise DoctorError(f"--fact {name}: no such fact{f', did you mean {close[0]}?' if close else ''}; there are {', '.join(facts)}")
    answer = facts[name].answer(value)
    if answer is None:
        raise DoctorError(f"--fact {option}: no answer; expected {_expected(facts[name])}")
    return facts[name], answer


def _expected(fact: Fact) -> str:
    values = ", ".join(f"{answer.value} ({answer.seen})" for answer in fact.answers)
    return values + (f", or what `{fact.run}` prints" if fact.run is not None and any(each.match for each in fact.answers) else "")


def found_in(environment: Environment, matrix: Matrix) -> Iterator[tuple[Fact, Answer]]:
    """What the environment that the text came from answers by itself."""
    import os

    from doctor.explain.questions import found_here
    from doctor.probe.accelerate_config import accelerate_config

    return found_here(environment, accelerate_config(os.environ), matrix)


def refuse_without_terminal(files: Sequence[str]) -> None:
    """Raise `DoctorError` where nobody could answer a question."""
    if "-" in files:
        raise DoctorError("--ask: the text itself comes from standard input: name a FILE")
    if sys.stdin is None or sys.stderr is None or not sys.stdin.isatty():
        raise DoctorError("--ask: standard input is no terminal: give the answer with --fact NAME=VALUE")


def ask(reader: TextReader, explanation: Explanation, here: Environment | None) -> Explanation:
    """Ask, as long as the first failure is undecided and a fact would tell its causes apart; the explanation with the answers."""
    for _ in range(_MOST_QUESTIONS):
        first = explanation.failures[0] if explanation.failures else None
        if first is None or first.question is None:
            break
        try:
            answer = _asked(first, first.question)
        except EOFError:
            _say("")
            break
        if answer is None:
            reader.leave_open(first.question)
        else:
            reader.answer(first.question, answer, "prompt")
        explanation = reader.explanation(here)
    return explanation


def _asked(failure: ExplainedFailure, fact: Fact) -> Answer | None:
    """The answer; None where it is not known. Raises `EOFError` when there is to be no more asking."""
    if any(cause.basis == "signs" for cause in failure.causes):
        likely = "; ".join(f"{cause.title} ({cause.confidence:.0%})" for cause in failure.causes[:2])
        _say("")
        _say(f"Undecided: {likely}.")
    _say("")
    _say(fact.ask)
    for way in (fact.run, fact.command):
        if way is not None:
            _say(f"  {way}", as_it_is=True)
    for number, answer in enumerate(fact.answers, 1):
        _say(f"  {number}  {answer.value}: {answer.seen}")
    while True:
        _say("A number, a word, or what was printed (Enter: not known, Ctrl-D: enough): ", end="", as_it_is=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        said = line.strip()
        if not said:
            return None
        # A word that is a value comes before the number of another.
        found = fact.answer(said) if not said.isdecimal() or any(each.value == said for each in fact.answers) else None
        if found is None and said.isdecimal() and 0 < int(said) <= len(fact.answers):
            found = fact.answers[int(said) - 1]
        if found is not None:
            return found
        _say(f"That is none of {', '.join(answer.value for answer in fact.answers)}.")


def _say(text: str, end: str = "\n", *, as_it_is: bool = False) -> None:
    """Write to the terminal: words broken at its width, commands not."""
    import shutil
    import textwrap

    width = max(shutil.get_terminal_size().columns - 1, 20)
    lines = [text] if as_it_is else textwrap.wrap(text, width, subsequent_indent="     " if text.startswith(" ") else "") or [""]
    sys.stderr.write("\n".join(map(printable, lines)) + end)
    sys.stderr.flush()
