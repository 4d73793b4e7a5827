"""Explaining an exception where it is raised: in a program, or in a notebook."""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar, cast

from doctor.commands import output
from doctor.explain.explanation import Explanation
from doctor.explain.text import TextReader
from doctor.facts.environment import Environment
from doctor.facts.symptom import Failure, Frame
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import load_matrix

_Report = TypeVar("_Report", bound=Callable[..., Any])
_EXPLAINED = "__explained_by_doctor__"
"""Attribute of an exception that was explained: IPython shows some in two ways."""


def explain_exception(exception: BaseException, matrix: Matrix | None = None) -> Explanation:
    """What caused an exception raised in this process, and those it came from.

    The installed versions are read from metadata; nothing is imported. Where a frame holds a model that accelerate placed, its
    `hf_device_map` is taken into account: it tells an offloaded model from one whose checkpoint lacks weights.
    """
    known = matrix or load_matrix()
    reader, here = TextReader(known), _this_process(known)
    chain = list(_chain(exception))
    failures = tuple(map(_failure, chain))
    for each in chain:
        for line in "".join(traceback.format_exception(type(each), each, each.__traceback__, chain=False)).splitlines():
            reader.feed(line)
    explanation = reader.explanation(here, failures)
    if all(each.foreign is not None for each in explanation.failures):
        return explanation  # and a model that was placed has no part in it
    for line in sorted({line for each in chain for line in _device_maps(each.__traceback__)}):
        reader.feed(line)
    return reader.explanation(here, failures)


def install_excepthook() -> None:
    """From now on explain every exception that nobody catches, after it was reported as before.

    That is what ends the program, a thread, an asyncio task, a `__del__`, and in IPython and Jupyter a cell or `%run`. What is reported
    is explained once, and nothing else changes. Installed a second time, it changes nothing.
    """
    loop = asyncio.BaseEventLoop
    sys.excepthook = _explaining(sys.excepthook, lambda kind, exception, trace: exception)
    sys.unraisablehook = _explaining(sys.unraisablehook, lambda arguments: arguments.exc_value)
    threading.excepthook = _explaining(threading.excepthook, lambda arguments: arguments.exc_value)
    loop.call_exception_handler = _explaining(loop.call_exception_handler, _of_task)  # type: ignore[method-assign]
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.showtraceback = _explaining(shell.showtraceback, _of_cell)


def _explaining(report: _Report, exception_of: Callable[..., BaseException | None]) -> _Report:
    """A function that reports exceptions, made to explain them as well; `exception_of` finds the exception among its arguments."""
    if getattr(report, "explains", False):
        return report

    @functools.wraps(report)
    def explained(*arguments: Any, **options: Any) -> Any:
        reported = report(*arguments, **options)
        try:
            _explain_once(exception_of(*arguments, **options))
        except Exception as error:
            if not sys.is_finalizing():  # Then nothing more can be imported.
                output.complain(f"the exception could not be explained: {error!r}")
        return reported

    explained.explains = True  # type: ignore[attr-defined]
    return cast("_Report", explained)


def _of_task(_: object, context: dict[str, Any]) -> BaseException | None:
    """What an asyncio loop says of a task whose exception nobody asked for, and of a callback that failed."""
    return context.get("exception")


def _of_cell(exc_tuple: tuple[Any, BaseException, Any] | None = None, *_: object, **__: object) -> BaseException | None:
    """What IPython shows: what it is told, else the exception that is being handled."""
    return (exc_tuple or sys.exc_info())[1]


def _explain_once(exception: BaseException | None) -> None:
    """To stderr, where it is something doctor can explain."""
    if not isinstance(exception, Exception) or getattr(exception, _EXPLAINED, False):
        return
    setattr(exception, _EXPLAINED, True)
    matrix = load_matrix()
    explanation = explain_exception(exception, matrix)
    if any(each.causes and each.foreign is None for each in explanation.failures):
        from doctor.commands.explain import shown

        report, show = shown(explanation, matrix, False)
        output.write(sys.stderr, "terminal", report, show)  # in one piece: a notebook makes a display of each


def _chain(exception: BaseException) -> Iterator[BaseException]:
    """The exception, what it came from, and the members of a group, each once."""
    waiting, seen = [exception], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        before = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        waiting += [before] if before is not None else []
        waiting += [member for member in _members(each) if isinstance(member, BaseException)]


def _members(exception: BaseException) -> tuple[object, ...]:
    """Of an exception group; another exception's attribute of that name may be anything."""
    members = getattr(exception, "exceptions", None)
    return tuple(members) if isinstance(members, (tuple, list)) else ()


def _failure(exception: BaseException) -> Failure:
    summary = traceback.extract_tb(exception.__traceback__)
    frames = tuple(Frame(each.filename.replace("\\", "/"), each.lineno, each.name, each.line or None) for each in summary)
    return Failure(type(exception).__name__, str(exception)[:4096], frames, 1)


def _device_maps(trace: TracebackType | None) -> set[str]:
    """The device maps of the models in the frames' variables, read without running any code of theirs."""
    maps = set()
    while trace is not None:
        for value in list(trace.tb_frame.f_locals.values()):
            try:
                placed = object.__getattribute__(value, "__dict__").get("hf_device_map")
            except (AttributeError, TypeError):
                continue
            if isinstance(placed, dict):
                maps |= {f"hf_device_map {{'{name}': '{device}'}}" for name, device in placed.items() if device in ("cpu", "disk")}
        trace = trace.tb_next
    return maps


def _this_process(matrix: Matrix) -> Environment:
    from doctor import probe

    return probe.examine(sys.executable, probe.Interest.of(matrix), live=False)
