"""A Ray cluster that runs: each of its nodes asked once what it is, or all of them given work. What starts, reaches and schedules is Ray."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen
from doctor.fleet import nodes
from doctor.fleet.rank import NoReport
from doctor.fleet.workers import AHEAD, Answer, Item, Work, in_order

EXTRA = "--ray: takes Ray: pip install 'meta-tensor-doctor[ray]', the release that the cluster runs"
_CONNECT_SECONDS = 5.0
_TRIES = 3
"""So often an item is given away by itself, to one node after another, where the worker was ended that had it with others."""


class Asked(Frozen):
    """What each node is to be asked."""

    python: str | None
    """The interpreter, in which `$NAME` is a variable of the node; None: the one that Ray's workers run in there."""
    model: str | None
    """As `doctor report --model`; None: no checkpoint is looked at."""
    seconds: float
    """How long each node may take."""
    by_id: bool
    """Whether nodes are called by Ray's ids, and not by their names."""


@contextlib.contextmanager
def connected(address: str, runtime_env: Mapping[str, Any]) -> Iterator[Any]:
    """Ray, connected to a cluster that runs. Raises `DoctorError` where Ray is not installed, or no cluster answers there."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise DoctorError(EXTRA) from None
    _refuse_what_nobody_serves(address if address != "auto" else os.environ.get("RAY_ADDRESS", ""))
    try:
        ray.init(address=address, runtime_env=dict(runtime_env), log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:  # whatever Ray has for it: its own errors, ConnectionError, ValueError, RuntimeError
        raise DoctorError(f"--ray {address}: no cluster that can be used: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from None
    with contextlib.redirect_stdout(io.StringIO()):  # where Ray prints that a node has died, also when it is left
        try:
            yield ray
        finally:
            ray.shutdown()


def _refuse_what_nobody_serves(address: str) -> None:
    """Raises `DoctorError` where nothing listens: Ray itself goes on asking for minutes."""
    place = re.fullmatch(r"(?:ray://)?(?P<host>[^/:]{1,255}|\[[0-9a-fA-F:]{2,45}\]):(?P<port>\d{1,5})", address)
    if place is None:
        return
    try:
        with socket.create_connection((place["host"].strip("[]"), int(place["port"])), _CONNECT_SECONDS):
            pass
    except (OSError, OverflowError) as error:
        raise DoctorError(f"--ray {address}: nothing answers there: {getattr(error, 'strerror', None) or error}") from None


def ask_nodes(ray: Any, asked: Asked, went: Callable[[int, int], None] = lambda done, total: None) -> Iterator[tuple[str, bytes] | NoReport]:
    """What each node reports of itself, by its name, as they answer: one task on each, of no CPU, so that a busy node answers too.

    A node that is dead, dies meanwhile, or does not answer in time is what is known of it.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ray.cloudpickle.register_pickle_by_value(nodes)  # so that a node without doctor can say so
    probe = ray.remote(nodes.reported)
    known = ray.nodes()
    names = _names(known, by_id=asked.by_id)
    waiting: dict[Any, str] = {}
    done = 0
    for each in known:
        if not each["Alive"]:
            done += 1
            yield NoReport(names[each["NodeID"]], "Ray says that it is dead")
            continue
        placed = NodeAffinitySchedulingStrategy(each["NodeID"], soft=False)
        options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": placed}
        waiting[probe.options(**options).remote(asked.python, asked.model, asked.seconds)] = names[each["NodeID"]]
    end = time.monotonic() + asked.seconds
    while waiting and (left := end - time.monotonic()) > 0:
        ready, _ = ray.wait(list(waiting), num_returns=1, timeout=left)
        for each in ready:
            done += 1
            yield _answer(ray, each, waiting.pop(each))
        went(done, len(known))
    for each, name in waiting.items():
        with contextlib.suppress(Exception):  # it is given up in any case
            ray.cancel(each, force=True)
        yield NoReport(name, f"no answer in {asked.seconds:g} s")


def in_cluster(ray: Any, work: Work[Item, Answer], items: Iterable[Item], died: Callable[[Item], Answer]) -> Generator[Answer, None, None]:
    """What `work` makes of the items on all nodes, in their order; `died` is the answer for an item that ends every worker it is given to."""

    def made(batch: Sequence[Item]) -> list[Answer]:
        return work(batch)

    run = ray.remote(num_cpus=1, max_retries=0)(made)  # Ray's own tries have no end where memory does not suffice
    again = _Again(ray, run)

    def answers(batch: Sequence[Item], answer: Any) -> Sequence[Answer]:
        try:
            return _got(ray, answer)
        except ray.exceptions.RayError:
            found = again.one_by_one(batch)
            return [found[number] if number in found else died(each) for number, each in enumerate(batch)]

    ahead = max(int(ray.cluster_resources().get("CPU", 1)), 1) * AHEAD
    yield from in_order(items, ahead, run.remote, answers, deque())


class _Again:
    """Gives items away by themselves where the worker was ended that had them: on other nodes, for one may be short of memory that others have."""

    def __init__(self, ray: Any, run: Any) -> None:
        self._ray, self._run = ray, run
        self._ended = Counter[str]()
        """How many workers were ended so, by node."""

    def one_by_one(self, batch: Sequence[Any]) -> dict[int, Any]:
        """The answers, by place in the batch; without those of items that ended every worker."""
        found: dict[int, Any] = {}
        for _ in range(_TRIES):
            nodes = self._best_nodes()
            left = [(number, nodes[number % len(nodes)]) for number in range(len(batch)) if number not in found]
            for number, node, answer in [(number, node, self._given(batch[number], node)) for number, node in left]:
                try:
                    (found[number],) = _got(self._ray, answer)
                except self._ray.exceptions.RayError:
                    self._ended[node] += 1
        return found

    def _best_nodes(self) -> Sequence[str]:
        """The nodes that live on which the fewest workers were ended. Raises `DoctorError` where none is left."""
        alive = [each["NodeID"] for each in self._ray.nodes() if each["Alive"] and each["Resources"].get("CPU")]
        if not alive:
            raise DoctorError("--ray: no node of the cluster is left")
        return [each for each in alive if self._ended[each] == min(self._ended[one] for one in alive)]

    def _given(self, item: Any, node: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return self._run.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=True)).remote((item,))


def _got(ray: Any, answer: Any) -> list[Any]:
    """An answer. Raises `DoctorError` where workers cannot do it, and Ray's error where one was ended."""
    try:
        found: list[Any] = ray.get(answer)
        return found
    except (ray.exceptions.RayTaskError, ray.exceptions.RuntimeEnvSetupError) as error:
        raise DoctorError(f"--ray: a worker cannot do it: {_in_short(error)}; doctor has to be installed there (--runtime-env)") from None


def _answer(ray: Any, reference: Any, name: str) -> tuple[str, bytes] | NoReport:
    try:
        answer, problem = ray.get(reference)
    except (ray.exceptions.RayTaskError, ray.exceptions.RuntimeEnvSetupError) as error:
        return NoReport(name, f"its worker cannot do it: {_in_short(error)}")
    except ray.exceptions.OutOfMemoryError:
        return NoReport(name, "it is short of memory: Ray ended the worker that was asked")
    except ray.exceptions.RayError as error:
        return NoReport(name, f"it died, or its worker was ended, while it was asked ({type(error).__name__})")
    return (name, answer) if problem is None else NoReport(name, problem)


def _in_short(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else type(error).__name__


def _names(known: Sequence[Mapping[str, Any]], *, by_id: bool) -> Mapping[str, str]:
    """By id: the name of a node where no other has it, its host's likewise, else what its id begins with."""
    found = {}
    for each in known:
        candidates = [] if by_id else [each.get("NodeName"), each.get("NodeManagerHostname")]
        keys = ("NodeName", "NodeManagerHostname")
        single = (name for name in candidates if name and sum(name in (other.get(key) for key in keys) for other in known) == 1)
        found[each["NodeID"]] = next(single, f"id {each['NodeID'][:8]}")
    return found
