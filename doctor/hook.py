"""Explaining an exception where it is raised: in a program, or in a notebook."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from doctor.explain.explanation import Explanation
from doctor.explain.text import TextReader
from doctor.facts.environment import Environment
from doctor.facts.symptom import Failure, Frame
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import load_matrix


def explain_exception(exception: BaseException, matrix: Matrix | None = None) -> Explanation:
    """What caused an exception raised in this process, and those it came from.

    The installed versions are read from metadata; nothing is imported. Where a frame holds a model that accelerate placed, its
    `hf_device_map` is taken into account: it tells an offloaded model from one whose checkpoint lacks weights.
    """
    known = matrix or load_matrix()
    reader = TextReader(known)
    failures = []
    for each in _chain(exception):
        failures.append(_failure(each))
        for line in "".join(traceback.format_exception(type(each), each, each.__traceback__, chain=False)).splitlines():
            reader.feed(line)
        for line in sorted(_device_maps(each.__traceback__)):
            reader.feed(line)
    return reader.explanation(_this_process(known), tuple(failures))


def install_excepthook() -> None:
    """From now on explain every exception that ends the program, a thread, or in IPython the cell, after it was reported as before.

    Installed a second time, it changes nothing.
    """
    if getattr(sys.excepthook, "explains", False):
        return
    before, before_in_thread = sys.excepthook, threading.excepthook

    def hook(kind: type[BaseException], exception: BaseException, trace: TracebackType | None) -> None:
        before(kind, exception, trace)
        _print_explanation(exception)

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        before_in_thread(arguments)
        if arguments.exc_value is not None:
            _print_explanation(arguments.exc_value)

    hook.explains = True  # type: ignore[attr-defined]
    sys.excepthook, threading.excepthook = hook, in_thread
    ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if ipython is not None:

        def in_cell(shell: Any, kind: type[BaseException], exception: BaseException, trace: Any, tb_offset: int | None = None) -> None:
            shell.showtraceback((kind, exception, trace), tb_offset=tb_offset)
            _print_explanation(exception)

        ipython.set_custom_exc((Exception,), in_cell)


def _print_explanation(exception: BaseException) -> None:
    """To stderr; whatever goes wrong here must not hide the exception."""
    if not isinstance(exception, Exception):
        return
    try:
        matrix = load_matrix()
        explanation = explain_exception(exception, matrix)
        if not any(each.causes and each.foreign is None for each in explanation.failures):
            return
        from doctor.commands import output
        from doctor.commands.explain import shown

        report, show = shown(explanation, matrix, False)
        output.write(sys.stderr, "terminal", report, show)  # in one piece: a notebook makes a display of each
    except Exception as error:
        sys.stderr.write(f"doctor: the exception could not be explained: {error!r}\n")


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
