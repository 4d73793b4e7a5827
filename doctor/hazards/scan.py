"""Files and folders in, a Program out. Nothing is run or imported; what cannot be read is said, and the rest is still read."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from doctor.errors import DoctorError
from doctor.facts.program import Ignored, Program, Subject, Unread, Variable
from doctor.files import read_file
from doctor.hazards.cache import Cache, opened_cache
from doctor.hazards.classes import class_subjects
from doctor.hazards.code import MOST_BYTES, Code, fenced_code, notebook_code, python_code
from doctor.hazards.flow import Flow, TooLong
from doctor.hazards.launchers import configured_variables, is_script, script_variables
from doctor.hazards.library import called, method_called
from doctor.hazards.values import Noted

_SKIPPED = {
    "__pycache__", "node_modules", "site-packages", "dist-packages", "build", "dist", "venv", "env", "__pypackages__", "wandb", "checkpoints",
}  # fmt: skip
_COLLECT_EVERY = 200
"""Files; what was followed in them holds on to itself, and to their trees."""
_MOST_FILES = 200_000
_ANCHORS = re.compile(
    rb"from_pretrained|from_single_file|init_empty_weights|init_on_device|accelerate|load_state_dict|to_empty|PreTrainedModel|PretrainedModel"
    rb"|ModelMixin|SentenceTransformer|CrossEncoder|pipeline\(|[\"']meta[\"']|environ|putenv|from_config|TrainingArguments"
)
"""Without any of these a file has nothing to say."""
STANDARD_INPUT = "-"
_TEXTS = (".md", ".txt", ".rst", ".markdown")


def scan(
    names: Iterable[str],
    *,
    exclude: Sequence[str] = (),
    reading: Callable[[int, int], None] = lambda done, total: None,
    allowed: Callable[[str], bool] = lambda path: True,
) -> Program:
    """What the programs in these files and folders do with models.

    A folder is read whole, without hidden folders, environments and installed packages; `-` is standard input. `reading` is told how
    many files were read, and of how many; `exclude` are patterns (fnmatch) for the files and folders of a folder that are not, and
    a file that is not `allowed`, as a link may lead anywhere, counts as unread.
    Raises `DoctorError` for a name that is not there.
    """
    with _without_collections(), opened_cache() as cache:
        return _scanned(names, tuple(exclude), reading, allowed, cache)


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Syntax trees are many objects and no rubbish: looking for cycles among them takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _scanned(
    names: Iterable[str], exclude: Sequence[str], reading: Callable[[int, int], None], allowed: Callable[[str], bool], cache: Cache
) -> Program:
    files = lines = 0
    subjects: list[Subject] = []
    variables: list[Variable] = []
    unread: list[Unread] = []
    ignored: list[Ignored] = []
    paths = [path for name in names for path in _files(name, exclude, unread)]
    for done, path in enumerate(paths, 1):
        if not allowed(path):
            unread.append(Unread(path, 0, "leads to where nothing may be read"))
            continue
        content = _content(path, unread) if path != STANDARD_INPUT else _standard_input()
        if content is None:
            continue
        program = _program_in(content, path if path != STANDARD_INPUT else "<stdin>", cache)
        files += program.files
        lines += program.lines
        subjects += program.subjects
        variables += program.variables
        unread += program.unread
        ignored += program.ignored
        reading(done, len(paths))
        if program.subjects and done % _COLLECT_EVERY == 0:
            gc.collect()
    return Program(files, lines, tuple(subjects), tuple(variables), tuple(unread), tuple(ignored))


def read_program(content: bytes, file: str) -> Program:
    """What the bytes of one file say."""
    return _read(content, _kind_of(file), file)


_Kind = Literal["python", "notebook", "text", "script", "configuration"]


def _kind_of(file: str) -> _Kind:
    """How a file is read, by its name."""
    if file.endswith((".yaml", ".yml")):
        return "configuration"
    if is_script(file):
        return "script"
    return "notebook" if file.endswith(".ipynb") else "text" if file.endswith(_TEXTS) else "python"


def _read(content: bytes, kind: _Kind, file: str) -> Program:
    lines = content.count(b"\n") + 1
    if kind == "configuration":
        return Program(1, lines, (), tuple(configured_variables(content, file)))
    if kind == "script":
        return Program(1, lines, (), tuple(script_variables(content, file)))
    if kind == "notebook":
        return program_of(notebook_code(content, file))
    if kind == "text":
        return program_of(fenced_code(content.decode("utf-8", "replace").splitlines(), file))
    return program_of(python_code(content, file)) if _ANCHORS.search(content) else Program(1, lines, ())


def program_of(code: Code) -> Program:
    """What code does, and which of it could not be read."""
    flow = Flow(called, method_called)
    try:
        flow.run(code)
    except TooLong:
        flow.unread.append(Unread(code.pieces[0].file, 0, "takes too many steps to be followed to its end"))
    classes: dict[str, Noted] = {}
    try:
        for subject in class_subjects(flow.classes, {each.name for each in flow.subjects}):
            classes[subject.name] = subject
    except RecursionError:
        flow.unread.append(Unread(code.pieces[0].file, 0, "its classes are nested too deeply to be looked at"))
    found = [*(_with_class(each, classes) for each in flow.subjects), *classes.values()]
    subjects = tuple(Subject(each.kind, each.name, tuple(each.uses)) for each in found if each.uses)
    return Program(1, code.lines, subjects, tuple(flow.variables), (*code.unread, *flow.unread), tuple(code.ignored))


def _with_class(model: Noted, classes: dict[str, Noted]) -> Noted:
    """A model of a class of the program does what its class does."""
    own = classes.get(model.name)
    if own is not None:
        for use in own.uses:
            model.note(use.word, use.place)
    return model


def _files(name: str, exclude: Sequence[str], unread: list[Unread]) -> Iterator[str]:
    """The files to be read of one argument."""
    if not os.path.isdir(name):
        if name != STANDARD_INPUT and not os.path.lexists(name):
            raise DoctorError(f"{name}: no such file or folder")
        yield name
        return
    count = 0
    for folder, folders, files in os.walk(
        name, onerror=lambda error: unread.append(Unread(str(error.filename), 0, f"cannot be read: {error.strerror}"))
    ):
        kept = (each for each in folders if not each.startswith(".") and each not in _SKIPPED and not _is_environment(folder, each))
        folders[:] = sorted(each for each in kept if not _is_excluded(os.path.join(folder, each), exclude))
        for file in sorted(files):
            if (file.endswith(".py") or _kind_of(file) in ("notebook", "script", "configuration")) and not _is_excluded(
                os.path.join(folder, file), exclude
            ):
                count += 1
                if count > _MOST_FILES:
                    unread.append(Unread(name, 0, f"more than {_MOST_FILES} files: the rest was not read"))
                    return
                yield os.path.join(folder, file)
    if not count:
        raise DoctorError(f"{name}: no Python in this folder")


def _is_excluded(path: str, patterns: Sequence[str]) -> bool:
    relative = os.path.relpath(path)
    return any(fnmatchcase(relative, pattern) or fnmatchcase(os.path.basename(path), pattern) for pattern in patterns)


def _is_environment(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def _program_in(content: bytes, file: str, cache: Cache) -> Program:
    kind = _kind_of(file)
    return cache.of(content, kind, file, lambda name: _read(content, kind, name))


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise DoctorError("-: standard input is closed: name a file")
    return sys.stdin.buffer.read(MOST_BYTES)


def _content(path: str, unread: list[Unread]) -> bytes | None:
    """The bytes of a file; None, with the reason told, for what is none or cannot be read."""
    try:
        return read_file(Path(path), MOST_BYTES)
    except OSError as error:
        unread.append(Unread(path, 0, f"cannot be read: {error.strerror}"))
        return None
