"""A model loaded in the patient and held against its files there: the request out, the Inspection in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen, field, replace
from doctor.facts.inspection import FAULT_KINDS, Inspection
from doctor.facts.model import Checkpoint
from doctor.files import read_file
from doctor.knowledge import schema
from doctor.probe.answers import last_line, one_line
from doctor.probe.child import INSIDE, Child
from doctor.probe.temporary import temporary_folder

SECONDS = 1800.0
"""How long all of it may take, unless the user says otherwise."""
_SCRIPT = INSIDE / "load_and_inspect.py"
_MOST_BYTES = 512 * 1024 * 1024
"""Of an answer: a tensor takes a few hundred bytes."""


class Loading(Frozen):
    """How a model is to be loaded."""

    class_: str | None = None
    """A class of transformers or diffusers, `FILE.py:CLASS` or `MODULE:CLASS`; None: the one that its configuration names."""
    device_map: str | Mapping[str, Any] | None = None
    dtype: str | None = None
    """As torch names it, or `auto`; None: not given."""
    trust_remote_code: bool = False
    device: str = "any"
    """`cpu` hides the GPUs from it."""
    digests: bool = False
    """Whether a digest of each tensor is wanted."""


class Loaded(Frozen):
    """A model that was loaded in the patient, held against its files."""

    inspection: Inspection
    versions: Mapping[str, str]
    """Of what of the stack was imported."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """`import`, `load`, `inspect`."""
    peak_bytes: Mapping[str, int | None] = field(default_factory=dict)
    """The most that was resident up to the end of `load` and of `inspect`; None where the system does not say."""


class _Answer(Frozen):
    error: str | None
    inspection: Inspection | None
    seconds: Mapping[str, float]
    peak_bytes: Mapping[str, int | None]
    versions: Mapping[str, str]


def load_and_inspect(
    python: str,
    parts: Mapping[str, Checkpoint],
    folder: str,
    loading: Loading,
    *,
    seconds: float = SECONDS,
    memory: int | None = None,
    went: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Loaded:
    """Load the model in `folder` with the interpreter `python` and hold it against its `parts`: one without a name, or those of a pipeline.

    At most `seconds` long and with `memory` bytes (None: no limit). `went(what, done, total)` is called now and then. Raises `DoctorError`
    when it cannot be loaded, read, or done within these limits.
    """
    with temporary_folder("the model is loaded with") as place:
        files = {name: os.path.join(place, name) for name in ("request.json", "answer.json", "progress.json", "offload")}
        Path(files["request.json"]).write_text(json.dumps(_request(parts, folder, loading, memory, files)), "utf-8")

        def look() -> None:
            said = _json(files["progress.json"])
            if isinstance(said, list) and len(said) == 3 and isinstance(said[0], str) and type(said[1]) is type(said[2]) is int:
                went(one_line(said[0], 80), said[1], said[2])

        try:
            with Child([python, "-B", str(_SCRIPT), files["request.json"]], seconds) as child:
                outcome = child.wait(look)
        except OSError as error:
            raise DoctorError(f"{python} cannot be run: {error.strerror or error}") from None
        answer = _json(files["answer.json"])
    shapeless = any(schema.mismatches(_Answer, answer))
    # What is interrupted for want of time may say so in its own way: as an import that failed.
    if outcome.timed_out and (shapeless or answer["error"] is not None):
        raise DoctorError(f"{folder}: not loaded and held against its files within {seconds:g} s; --timeout gives it longer")
    if shapeless:
        killed = " (the system ends a process so that takes more memory than there is)" if outcome.ending == "SIGKILL" else ""
        said = last_line(outcome.stderr, 200)
        raise DoctorError(f"{folder}: the process that was to load it ended with {outcome.ending}{killed}{f': {said}' if said else ''}")
    said_so: _Answer = schema.construct(_Answer, answer)
    if said_so.error is not None or said_so.inspection is None:
        raise DoctorError(f"{folder}: {_in_words(one_line(said_so.error or 'nothing came of it', 600), parts)}")
    return Loaded(_in_order(said_so.inspection), said_so.versions, said_so.seconds, said_so.peak_bytes)


def inspection_of(answer: Mapping[str, Any]) -> Inspection:
    """What `truth.inspect` answers, as facts, the worst first. Raises `DoctorError` where it does not have that shape."""
    wrong = next(iter(schema.mismatches(Inspection, answer)), None)
    if wrong is not None:
        raise DoctorError(f"what came back from the model has not the shape it should: {str(wrong.message)[:200]}")
    return _in_order(schema.construct(Inspection, answer))


def _in_order(found: Inspection) -> Inspection:
    faults = sorted(found.faults, key=lambda each: (FAULT_KINDS.index(each.kind), -len(each.names), each.names[:1]))
    return replace(found, faults=tuple(faults))


def stored_in(checkpoint: Checkpoint) -> tuple[list[tuple[str, str, str, tuple[int, ...], int]], list[str]]:
    """Where the tensors of its safetensors files lie: name, file, dtype, shape, first byte; and its pickled files."""
    folder = os.path.abspath(checkpoint.folder or os.curdir)
    stored = [(each.name, os.path.join(folder, each.file), each.dtype, each.shape, each.offset) for each in checkpoint.tensors or ()]
    pickled = [os.path.join(folder, each.name) for each in checkpoint.files] if checkpoint.format == "bin" else []
    return stored, pickled


def _request(parts: Mapping[str, Checkpoint], folder: str, loading: Loading, memory: int | None, files: Mapping[str, str]) -> Mapping[str, Any]:
    described = [{"name": name, "stored": stored, "pickled": pickled} for name, each in parts.items() for stored, pickled in (stored_in(each),)]
    config = next(iter(parts.values())).config
    architectures, auto_map = config.get("architectures"), config.get("auto_map")
    return {
        "folder": os.path.abspath(folder),
        "directory": os.getcwd(),
        "class": loading.class_,
        "architectures": [each for each in architectures if isinstance(each, str)] if isinstance(architectures, list) else [],
        "auto_map": [each for each in auto_map if isinstance(each, str)] if isinstance(auto_map, dict) else [],
        "pipeline": list(parts) != [""],
        "parts": described,
        "device_map": loading.device_map,
        "dtype": loading.dtype,
        "trust_remote_code": loading.trust_remote_code,
        "device": loading.device,
        "digests": loading.digests,
        "memory": memory,
        "offload": files["offload"],
        "answer": files["answer.json"],
        "progress": files["progress.json"],
    }


def _in_words(error: str, parts: Mapping[str, Checkpoint]) -> str:
    """What a load failed of, with the remedy where it is known."""
    if "trust_remote_code" in error:
        code: Sequence[str] = [os.path.basename(file) for each in parts.values() for file in each.code]
        return f"it cannot be loaded without running code of its own ({', '.join(code) or 'its configuration names it'}): --trust-remote-code runs it"
    return error


def _json(file: str) -> Any:
    try:
        return json.loads(read_file(Path(file), _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
