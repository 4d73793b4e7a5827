"""Several processes in one log: each failure is judged by the lines of its own."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from doctor.explain.explanation import Explanation
from doctor.explain.text import explain_lines
from doctor.knowledge.matrix_file import builtin_matrix
from doctor.reports.explanation import ExplanationReport, explanation_report
from doctor.reports.redact import Redactor
from doctor.reports.terminal.explanation import print_explanation

MATRIX = builtin_matrix()
META = "NotImplementedError: Cannot copy out of meta tensor; no data!"
OFFLOADED = "Some parameters are on the meta device because they were offloaded to the cpu."
THREADS = "loading in 4 threads at once"
PREFIXES = {
    "torch": "[rank{}]: ",
    "torchrun": "[default{}]:",
    "torchrun and torch": "[default0]:[rank{}]: ",
    "mpirun": "[1,{}]<stderr>:",
    "srun --label": "{}: ",
    "srun --label, aligned": "{:>3}: ",
    "brackets": "[{}] ",
    "srun and torch": "{0}: [rank{0}]: ",
    "stamped": "2026-11-22 18:45:33,123 [rank{}]: ",
    "a role": "[trainer{}]:",
    "vLLM": "(VllmWorker rank={} pid=22) ",
}


def printed(rank: int, prefix: str, *lines: str) -> list[str]:
    return [prefix.format(rank) + line for line in lines]


def failure(file: str = "/srv/app/serve.py", code: str = 'model.to("cuda")') -> tuple[str, ...]:
    return (
        "Traceback (most recent call last):",
        f'  File "{file}", line 14, in load',
        f"    {code}",
        '  File "/opt/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1, in convert',
        "    raise NotImplementedError(",
        META,
    )


def explained(lines: list[str]) -> Explanation:
    return explain_lines(lines, MATRIX)


def report(lines: list[str]) -> ExplanationReport:
    return explanation_report(explained(lines), MATRIX, Redactor((), None, None))


def of_64(prefix: str) -> list[str]:
    """63 ranks of which each was offloaded, and one that loads in threads, interleaved line by line."""
    streams = [printed(rank, prefix, *((THREADS, *failure("/srv/app/pool.py")) if rank == 37 else (OFFLOADED, *failure()))) for rank in range(64)]
    return [line for lines in zip(*streams, strict=True) for line in lines]


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES.keys())
def test_a_rank_is_explained_by_its_own_lines(prefix: str) -> None:
    said = report(of_64(prefix))
    assert said.ranks == tuple(range(64))
    most, one = said.failures
    assert (most.causes[0].cause, one.causes[0].cause) == ("offload-then-move", "thread-race")
    assert most.ranks == (*range(37), *range(38, 64))
    assert one.ranks == (37,)
    assert not any("offload" in because for because in one.causes[0].because)
    assert not any("thread" in because for because in most.causes[0].because)
    assert (most.count, one.count) == (63, 1)


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES.keys())
def test_the_same_traceback_on_all_ranks_is_still_explained_for_each(prefix: str) -> None:
    lines = [line for rank in range(4) for line in printed(rank, prefix, THREADS if rank == 2 else OFFLOADED, *failure())]
    most, one = explained(lines).failures
    assert (most.failure.ranks, most.causes[0].cause) == ((0, 1, 3), "offload-then-move")
    assert (one.failure.ranks, one.causes[0].cause) == ((2,), "thread-race")


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES.keys())
def test_a_line_of_no_rank_is_evidence_for_all(prefix: str) -> None:
    lines = [THREADS, *(line for rank in range(4) for line in printed(rank, prefix, *failure()))]
    (alike,) = explained(lines).failures
    assert (alike.failure.ranks, alike.causes[0].cause) == ((0, 1, 2, 3), "thread-race")


def test_processes_that_are_no_ranks_are_named() -> None:
    lines = [*printed(7, "(EngineCore_0 pid={}) ", OFFLOADED, *failure()), *printed(9, "(APIServer pid={}) ", THREADS, *failure("/srv/app/api.py"))]
    first, second = explained(lines).failures
    assert {first.failure.processes, second.failure.processes} == {("EngineCore_0 pid=7",), ("APIServer pid=9",)}
    assert {first.causes[0].cause, second.causes[0].cause} == {"offload-then-move", "thread-race"}


def test_the_only_process_of_a_text_owns_all_of_it() -> None:
    lines = [THREADS, "It failed so:", *printed(0, "[rank{}]: ", "reading the configuration", *failure())]
    (only,) = explained(lines).failures
    assert only.causes[0].cause == "thread-race"
    said = explained([*printed(0, "[rank{}]: ", THREADS), *failure()]).failures[0]
    assert said.causes[0].cause == "thread-race"


def test_a_failure_of_no_rank_is_not_explained_with_a_rank_s_line() -> None:
    lines = [*printed(1, "[rank{}]: ", THREADS), *printed(2, "[rank{}]: ", "all is well"), *failure()]
    (failed,) = explained(lines).failures
    assert not any(cause.cause == "thread-race" and cause.basis == "signs" for cause in failed.causes)


def test_the_message_of_one_rank_does_not_complete_another_s_traceback() -> None:
    lines = [*printed(1, "[rank{}]: ", "KeyError: 'bob'"), *printed(0, "[rank{}]: ", *failure()[:4]), *printed(2, "[rank{}]: ", META)]
    assert [each.failure.exception for each in explained(lines).failures if each.failure.frames] == [None]


@pytest.mark.parametrize(
    "lines",
    [
        [f"{number}: {line}" for number, line in enumerate((THREADS, *failure()), 10)],
        [f"[{number}] {line}" for number, line in enumerate((THREADS, *failure()), 10)],
        ["1: first I load the model", "2: then it fails in threads", *failure()],
    ],
    ids=["numbered lines", "numbered in brackets", "a list"],
)
def test_numbers_before_lines_are_no_ranks_by_themselves(lines: list[str]) -> None:
    explanation = explained(lines)
    assert explanation.ranks == ()
    assert all(each.failure.ranks == () for each in explanation.failures)


def test_a_foreign_failure_on_one_rank_stays_foreign() -> None:
    lines = [*printed(0, "[rank{}]: ", OFFLOADED, *failure()), *printed(1, "[rank{}]: ", *failure(code="users[name]")[:3], "KeyError: 'bob'")]
    ours, other = explained(lines).failures
    assert (ours.foreign, other.foreign, other.failure.ranks) == (None, "other", (1,))


def test_a_terminal_names_the_ranks() -> None:
    page = io.StringIO()
    print_explanation(report(of_64("[rank{}]: ")), Console(file=page, width=80))
    first = page.getvalue().splitlines()[:6]
    assert any(line.startswith("  63 of 64 ranks (0-36, 38-63): ") for line in first)
    assert any(line.startswith("  rank 37: ") for line in first)
