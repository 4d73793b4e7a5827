"""Asks the patient's own transformers where it would put a model: a child builds it on meta from its configuration, and no weight is read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from doctor.facts.frozen import Frozen, field
from doctor.facts.placement import CacheSize, OnMeta, PlacedPart, Placement, Refusal
from doctor.knowledge import schema
from doctor.probe.answers import json_answers, last_line, one_line
from doctor.probe.child import INSIDE, Child, script_command
from doctor.probe.temporary import temporary_folder

SECONDS = 240.0
"""How long importing transformers and building the largest of models on meta may take."""
SCRIPT = INSIDE / "placement.py"


class Attempt(Frozen):
    """One call of from_pretrained."""

    dtype: str | None = "auto"
    """`auto`, or the name of a torch dtype; None: none is given."""
    device_map: Any = "auto"
    """A string, or a mapping from modules to devices."""
    max_memory: Mapping[str, int] | None = None
    """Bytes by device; None: none is given, and accelerate asks the machine."""
    offload_folder: str | None = None
    quantization: str | None = None
    """`8bit` or `4bit`, by bitsandbytes; None: none."""
    gpus: tuple[int, ...] | None = None
    """Free bytes of each GPU, in place of those that are here; None: those that are here."""
    ram: int | None = None
    """Available bytes, in place of what is here; None: what is here."""


class Question(Frozen):
    """A model, and how it is to be loaded."""

    config: Mapping[str, Any]
    """Its config.json."""
    first_dtype: str = "F32"
    """The dtype of the checkpoint's first floating tensor, as safetensors writes it: `auto` takes it where the configuration names none."""
    model_class: str | None = None
    """The class that loads it; None: what the configuration says."""
    code: tuple[str, ...] = ()
    """Files of its own code, which are executed if `trust_remote_code` says so and not otherwise."""
    trust_remote_code: bool = False
    batch: int | None = None
    """With `context`: of the cache that is asked for; None: none is."""
    context: int | None = None
    attempts: tuple[Attempt, ...] = field(default_factory=lambda: (Attempt(),))


class NoAnswer(Frozen):
    """The patient could not be asked."""

    reason: str


class _Answer(Frozen):
    """What the child says of one attempt."""

    model_class: str
    parameters: int
    buffers: int
    buffer_bytes: int
    not_saved: int
    dtypes: Mapping[str, int]
    parts: tuple[PlacedPart, ...]
    on_meta: OnMeta
    limits: Mapping[str, int]
    ties: Mapping[str, tuple[str, ...]]
    whole: tuple[str, ...]
    largest: int
    cache: CacheSize | None = None
    libraries: int | None = None


def ask_placement(executable: str, question: Question, seconds: float = SECONDS) -> tuple[Placement | Refusal, ...] | NoAnswer:
    """What the interpreter's transformers makes of each attempt, in their order; or why it could not be asked.

    Raises `DoctorError` when there can be no temporary folder.
    """
    with temporary_folder("a model is built in") as folder:
        command = script_command(executable, SCRIPT, seconds)
        command.insert(-1, write_job(folder, question))
        try:
            with Child(command, seconds) as child:
                outcome = child.wait()
        except OSError as error:
            return NoAnswer(f"{executable} cannot be run: {error.strerror or error}")
    found = placements_in(outcome.stdout, question)
    if found is not None:
        return found
    said = json_answers(outcome.stdout)
    step = said.get("step")
    at = f" at: {step}" if isinstance(step, str) else ""
    if isinstance(said.get("error"), str):
        return NoAnswer(one_line(said["error"]))
    if outcome.timed_out:
        return NoAnswer(f"it did not end within {seconds:.0f} s{at}")
    return NoAnswer(one_line(f"it ended with {outcome.ending}{at} {last_line(outcome.stderr)}"))


def write_job(folder: str, question: Question) -> str:
    """Write into a folder what the child is to do, and what from_pretrained wants to see there; returns the job's file."""
    path = os.path.join(folder, "job.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(_job(folder, question), file)
    return path


def placements_in(stdout: bytes, question: Question) -> tuple[Placement | Refusal, ...] | None:
    """What the child said of each attempt; None where it did not come to an end."""
    results = json_answers(stdout).get("results")
    complete = isinstance(results, list) and len(results) == len(question.attempts)
    return tuple(_result(each) for each in results) if complete and isinstance(results, list) else None


def _result(data: Any) -> Placement | Refusal:
    if isinstance(data, dict) and isinstance(data.get("error"), str):
        return Refusal(one_line(data["error"]))
    if any(schema.mismatches(_Answer, data)):
        return Refusal("the child's answer has not the shape it should have")
    answer: _Answer = schema.construct(_Answer, data)
    return Placement(
        "accelerate",
        None,
        answer.model_class,
        answer.parameters,
        answer.buffers,
        answer.buffer_bytes,
        answer.not_saved,
        answer.dtypes,
        answer.parts,
        answer.on_meta,
        answer.limits,
        answer.ties,
        answer.whole,
        answer.largest,
        answer.cache,
        answer.libraries,
    )


def _job(folder: str, question: Question) -> dict[str, Any]:
    """The job for the child, whose folder is filled with what from_pretrained wants to see."""
    model = os.path.join(folder, "model")
    os.mkdir(model)
    trusted = question.trust_remote_code and bool(question.code)
    config = dict(question.config)
    if not trusted:
        config.pop("auto_map", None)
    with open(os.path.join(model, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    _write_checkpoint(model, question.first_dtype)
    if trusted:
        for name in sorted({os.path.dirname(each) for each in question.code}):
            _link_code(name, model)
    auto_map = config.get("auto_map")
    architectures = config.get("architectures")
    named = question.model_class
    return {
        "folder": model,
        "modules": os.path.join(folder, "modules"),
        "library": "diffusers" if "_diffusers_version" in config else "transformers",
        "classes": [named] if named else [each for each in architectures or () if isinstance(each, str)],
        "class": named or config.get("_class_name"),
        "own_code": [each for each in auto_map if each.startswith("AutoModel")] if isinstance(auto_map, dict) else [],
        "trust_remote_code": trusted,
        "cache": {"batch": question.batch or 1, "context": question.context} if question.context else None,
        "attempts": [schema.plain(each) for each in question.attempts],
    }


def _write_checkpoint(folder: str, dtype: str) -> None:
    """A checkpoint of one number. from_pretrained looks for one and at its first dtype, and is left before it would read more."""
    length = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}.get(dtype, 1)
    described = {"__metadata__": {"format": "pt"}, "placeholder": {"dtype": dtype, "shape": [1], "data_offsets": [0, length]}}
    header = json.dumps(described).encode()
    for name in ("model.safetensors", "diffusion_pytorch_model.safetensors"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header + bytes(length))


def _link_code(source: str, target: str) -> None:
    """Let every Python file that lies beside the model's own code, which may import it, lie in the folder it is built from."""
    for name in sorted(os.listdir(source)):
        if name.endswith(".py"):
            os.symlink(os.path.abspath(os.path.join(source, name)), os.path.join(target, name))
