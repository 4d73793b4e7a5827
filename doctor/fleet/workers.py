"""Work on batches in several processes of this machine, the answers in the order of the batches. A process that dies takes one item with it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Handle = TypeVar("Handle")
Work = Callable[[Sequence[Item]], "list[Answer]"]
BATCH = 16
"""Items that go to a worker at once: some hundredths of a second of work, against which sending them is nothing."""
AHEAD = 4
"""Batches for each worker that are on their way: what is not asked for yet lies in the corpus, not in memory."""


def batches(items: Iterable[Item], size: int = BATCH) -> Iterator[tuple[Item, ...]]:
    """The items, so many at a time."""
    rest = iter(items)
    while batch := tuple(islice(rest, size)):
        yield batch


def in_processes(work: Work[Item, Answer], items: Iterable[Item], workers: int, died: Callable[[Item], Answer]) -> Generator[Answer, None, None]:
    """What `work` makes of the items, in their order; `died` is the answer for an item that ended its process. With one worker, in this process."""
    if workers == 1:
        for batch in batches(items):
            yield from work(batch)
        return
    pool, waiting = _pool(workers), deque[tuple[tuple[Item, ...], Future[list[Answer]]]]()

    def given(batch: tuple[Item, ...]) -> Future[list[Answer]]:
        return pool.submit(work, batch)

    def answers(batch: tuple[Item, ...], answer: Future[list[Answer]]) -> Iterator[Answer]:
        nonlocal pool
        try:
            yield from answer.result()
        except BrokenProcessPool:
            pool.shutdown(wait=False, cancel_futures=True)
            yield from _one_by_one(work, batch, died)
            pool = _pool(workers)
            for number, (each, _) in enumerate(waiting):
                waiting[number] = (each, given(each))

    try:
        yield from in_order(items, workers * AHEAD, given, answers, waiting)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def in_order(
    items: Iterable[Item],
    ahead: int,
    given: Callable[[tuple[Item, ...]], Handle],
    answers: Callable[[tuple[Item, ...], Handle], Iterable[Answer]],
    waiting: deque[tuple[tuple[Item, ...], Handle]],
) -> Iterator[Answer]:
    """The answers to batches of the items, in their order. `waiting` are the batches that are `given` away and not answered: at most `ahead`."""
    rest = batches(items)
    while True:
        for batch in islice(rest, ahead - len(waiting)):
            waiting.append((batch, given(batch)))
        if not waiting:
            return
        yield from answers(*waiting.popleft())


def _one_by_one(work: Work[Item, Answer], batch: Sequence[Item], died: Callable[[Item], Answer]) -> Iterator[Answer]:
    """Each alone in a process: the one that ends it is found, and no other is lost."""
    pool = _pool(1)
    try:
        for each in batch:
            try:
                answers = pool.submit(work, (each,)).result()
            except BrokenProcessPool:
                pool.shutdown(wait=False)
                pool, answers = _pool(1), [died(each)]
            yield from answers
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    import multiprocessing

    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    """A worker waits for its parent's orders in a way that does not notice that the parent was killed."""
    import multiprocessing
    import multiprocessing.connection
    import signal

    parent = multiprocessing.parent_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        with contextlib.suppress(OSError):
            multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
