"""From a checkpoint and a wish to load it to the report on where it goes: asks the patient, or estimates where that cannot be had."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from doctor.diagnosis.placed import map_words, met_by, refuses_whole_disk, words_of
from doctor.errors import DoctorError
from doctor.facts.frozen import Frozen, replace
from doctor.facts.model import Checkpoint, Model
from doctor.facts.placement import CacheSize, MachineLimits, Placement, Refusal, device_order
from doctor.facts.sizes import GIB, size
from doctor.models.estimate import DTYPES, estimated
from doctor.models.fit import Conditions, verdict_on
from doctor.models.loading import peak_of
from doctor.probe.placement import SECONDS, Attempt, NoAnswer, Question, ask_placement
from doctor.reports.fit import Bytes, Device, FitReport, Loading, Parameters
from doctor.version import __version__

if TYPE_CHECKING:
    from packaging.version import Version

    from doctor.facts.environment import Environment
    from doctor.facts.program import Program, Subject
    from doctor.knowledge.matrix import Matrix

_GPU_SIZES = (8, 12, 16, 24, 32, 40, 48, 80, 96, 141, 192)
"""GiB of GPUs that are sold."""
_RAM_SIZES = (8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
_SINGLE_GPU_SHARE = 0.9
"""Of a single GPU, accelerate gives weights so much unless max_memory is given."""
_CHANGE_PLACEMENT = (b"max_memory", b"quantization", b"load_in_", b"sequential", b"offload_buffers", b"float32")
"""What a program that loads a model says where it does not go where from_pretrained puts it by itself."""
_MOST_CODE = 2 * 1024 * 1024
_FLOATING = ("F64", "F32", "F16", "BF16")
_USED = ("transformers", "accelerate", "diffusers", "torch")


_Answer = tuple[Placement | Refusal, ...] | NoAnswer


class Asked(Frozen):
    """How the model is to be loaded, and onto what."""

    dtype: str = "auto"
    device_map: Any = "auto"
    max_memory: Mapping[str, int] | None = None
    offload_folder: str | None = None
    quantization: str | None = None
    gpus: tuple[int, ...] | None = None
    """Free bytes of each GPU there would be; None: those that are here."""
    ram: int | None = None
    """Available bytes there would be; None: what is here."""
    model_class: str | None = None
    batch: int | None = None
    context: int | None = None
    trust_remote_code: bool = False
    live: bool = True
    seconds: float | None = None


class Case(Frozen):
    """A model that is to be loaded somewhere."""

    checkpoint: Checkpoint
    asked: Asked
    environment: Environment
    matrix: Matrix

    @property
    def machine(self) -> MachineLimits:
        """What there is to put it into, or would be."""
        return _machine(self.asked, self.environment)

    def version(self, name: str) -> Version | None:
        """Of a package of the environment; None where it is not installed, or not known."""
        from doctor.knowledge.matching import installed_version

        distribution = self.environment.packages.get(name)
        return installed_version(distribution) if distribution is not None else None

    def conditions(self, placed: Placement | Refusal) -> Conditions:
        """What the verdict on a placement depends on."""
        mapped = self.asked.device_map != {"": "cpu"}
        peak = peak_of(placed, self.checkpoint, self.version("transformers"), mapped=mapped) if isinstance(placed, Placement) else None
        refused = refuses_whole_disk(self.environment, self.matrix)
        return Conditions(self.machine, peak, self.checkpoint.format == "bin", self.asked.offload_folder is not None, refused)


def fit(case: Case) -> FitReport:
    """The report. Raises `DoctorError` where neither the patient nor the files say how large the model is."""
    placed = _placed(case)
    conditions = case.conditions(placed)
    verdict = verdict_on(placed, conditions)
    placement = placed if isinstance(placed, Placement) else None
    return FitReport(
        schema_version=2,
        document="fit",
        doctor_version=__version__,
        model=case.checkpoint.path,
        format=case.checkpoint.format,
        model_class=placement.model_class if placement else None,
        versions={name: each.version for name in _USED if (each := case.environment.packages.get(name)) is not None and each.version is not None},
        verdict=verdict.status,
        verdict_line=verdict.line,
        decided_by=placement.decided_by if placement else None,
        because=placement.because if placement else None,
        parameters=_parameters(placement, case.checkpoint),
        bytes=_bytes(placement, case.checkpoint),
        devices=_devices(placement, conditions.machine),
        placement=placement.parts if placement else (),
        on_meta=placement.on_meta if placement else None,
        loading=_loading(placement, case, conditions),
        cache=placement.cache if placement else None,
        remedies=tuple(_remedies(placement, case)) if placement and placement.decided_by == "accelerate" and verdict.status != "fits" else (),
        advisories=met_by(placement, _done(case.asked, placement), _model(case.checkpoint), case.environment, case.matrix) if placement else (),
        assumes=tuple(_assumptions(placement, case, conditions)) if placement else (),
        exit_code=0 if verdict.status == "fits" else 1,
    )


def place(checkpoint: Checkpoint, asked: Asked, environment: Environment, attempts: tuple[Attempt, ...]) -> _Answer:
    """What the environment's own transformers makes of each attempt; or why it cannot be asked."""
    executable = environment.python.executable
    if not asked.live or executable is None:
        return NoAnswer("nothing of the environment was to be run")
    if not checkpoint.config:
        return NoAnswer("there is no config.json to build it from")
    needed = ("torch", "diffusers" if "_diffusers_version" in checkpoint.config else "transformers", "accelerate")
    missing = next((each for each in needed if environment.installed(each) is False), None)
    if missing is not None:
        return NoAnswer(f"{missing} is not installed there")
    question = Question(
        config=checkpoint.config,
        first_dtype=next((each.dtype for each in checkpoint.tensors or () if each.dtype in _FLOATING), "F32"),
        model_class=asked.model_class,
        code=checkpoint.code,
        trust_remote_code=asked.trust_remote_code,
        batch=asked.batch,
        context=asked.context,
        attempts=attempts,
    )
    return ask_placement(executable, question, asked.seconds or SECONDS)


def attempt_of(asked: Asked) -> Attempt:
    """The call of from_pretrained that was asked about."""
    folder = os.path.abspath(asked.offload_folder) if asked.offload_folder is not None else None
    return Attempt(asked.dtype, asked.device_map, asked.max_memory, folder, asked.quantization, asked.gpus, asked.ram)


def _placed(case: Case) -> Placement | Refusal:
    checkpoint, asked = case.checkpoint, case.asked
    answer = place(checkpoint, asked, case.environment, (attempt_of(asked),))
    if not isinstance(answer, NoAnswer):
        (placed,) = answer
        return _with_cache(placed, checkpoint, asked) if isinstance(placed, Placement) else placed
    if checkpoint.tensors is None:
        raise DoctorError(f"{checkpoint.path}: how large it is cannot be told: its files do not say, and the model cannot be built: {answer.reason}")
    limits = _estimated_limits(asked, case.environment)
    placed = estimated(checkpoint.tensors, _dtype(checkpoint, asked), asked.quantization, limits, because=answer.reason)
    return _with_cache(placed, checkpoint, asked)


def _dtype(checkpoint: Checkpoint, asked: Asked) -> str | None:
    """The torch dtype that is asked for; None: as the tensors are stored."""
    if asked.dtype != "auto":
        return asked.dtype
    named = checkpoint.config.get("dtype") or checkpoint.config.get("torch_dtype")
    return named if isinstance(named, str) and named in DTYPES else None


def _estimated_limits(asked: Asked, environment: Environment) -> dict[str, int]:
    """What accelerate would take for free, of what is known here."""
    if asked.max_memory is not None:
        return dict(sorted(asked.max_memory.items(), key=lambda each: device_order(each[0])))
    machine = _machine(asked, environment)
    gpus = {name: free for name, free in machine.gpus.items() if free is not None}
    share = _SINGLE_GPU_SHARE if len(gpus) == 1 else 1
    return {**{name: int(free * share) for name, free in gpus.items()}, **({"cpu": machine.ram} if machine.ram is not None else {})}


def _machine(asked: Asked, environment: Environment) -> MachineLimits:
    memory = environment.memory
    if asked.gpus is not None:
        gpus: dict[str, int | None] = {str(number): free for number, free in enumerate(asked.gpus)}
    elif environment.torch.cuda_available is False:
        gpus = {}
    else:
        found = [each for each in environment.accelerators if each.kind in ("cuda", "rocm") and each.memory_free is not None]
        gpus = {str(number): each.memory_free for number, each in enumerate(found)}
    if asked.ram is not None:
        return MachineLimits(gpus, asked.ram, "given with --ram", environment.disk.free)
    return MachineLimits(gpus, memory.available, memory.limit_source or "of this machine", environment.disk.free)


def _parameters(placement: Placement | None, checkpoint: Checkpoint) -> Parameters:
    if placement is not None:
        known = placement.decided_by == "accelerate"
        return Parameters(placement.parameters, placement.buffers if known else None, placement.ties)
    return Parameters(sum(each.elements for each in checkpoint.tensors) if checkpoint.tensors is not None else None, None, {})


def _bytes(placement: Placement | None, checkpoint: Checkpoint) -> Bytes:
    if placement is None:
        return Bytes(checkpoint.bytes, None, None, {}, {})
    by_device = {each: placement.on(each) for each in placement.devices}
    buffers = placement.buffer_bytes if placement.decided_by == "accelerate" else None
    return Bytes(checkpoint.bytes, placement.bytes, buffers, placement.dtypes, by_device)


def _devices(placement: Placement | None, machine: MachineLimits) -> tuple[Device, ...]:
    free: dict[str, int | None] = {**machine.gpus, "cpu": machine.ram, "disk": machine.disk}
    limits = placement.limits if placement is not None else {}
    names = sorted({*free, *limits, *(placement.devices if placement is not None else ())}, key=device_order)
    return tuple(Device(each, placement.on(each) if placement is not None else 0, free.get(each), limits.get(each)) for each in names)


def _loading(placement: Placement | None, case: Case, conditions: Conditions) -> Loading:
    if placement is None:
        return Loading(None, None)
    whole = replace(placement, parts=tuple(replace(each, device="cpu") for each in placement.parts))
    without = peak_of(whole, case.checkpoint, case.version("transformers"), mapped=False)
    return Loading(conditions.peak.bytes if conditions.peak else None, without.bytes)


def _done(asked: Asked, placement: Placement) -> frozenset[str]:
    """The words of the vocabulary of uses for how it is loaded."""
    how = {"device-map-auto"} if isinstance(asked.device_map, str) else map_words(placement.devices)
    return frozenset({"load", "device-map", *how})


def _model(checkpoint: Checkpoint) -> Model:
    from doctor.models.checkpoint import read_model

    if checkpoint.folder is None or not os.path.isfile(os.path.join(checkpoint.folder, "config.json")):
        return Model(checkpoint.path, ())
    return read_model(checkpoint.folder)


def _remedies(placement: Placement, case: Case) -> Iterator[str]:
    """What makes it fit: each is tried as what was asked was."""
    candidates = list(_candidates(placement, case.asked, case.machine))
    without_cache = replace(case.asked, context=None, batch=None)
    answer = place(case.checkpoint, without_cache, case.environment, tuple(attempt_of(each) for _, each in candidates))
    solved: set[str] = set()
    for (words, other), placed in zip(candidates, () if isinstance(answer, NoAnswer) else answer, strict=False):
        kind = words.partition(" ")[0]
        found = verdict_on(placed, replace(case, asked=other).conditions(placed))
        if kind in solved or isinstance(placed, Refusal):
            continue
        if found.status == "fits":
            solved.add(kind)
            yield f"{words}: {size(placed.bytes)}, nothing is left on meta"
        elif kind.startswith("max_memory") and found.status == "offloaded":
            solved.add(kind)
            yield f"{words}: it loads, offloaded"


def _candidates(placement: Placement, asked: Asked, machine: MachineLimits) -> Iterator[tuple[str, Asked]]:
    """What to try, the cheapest first; the first word says which kind it is, of which the first that helps is enough."""
    freed = replace(asked, max_memory=None) if asked.max_memory is not None else asked
    wide = placement.dtypes.get("float32", 0) > placement.bytes // 2
    if wide and asked.quantization is None:
        yield "torch_dtype=torch.bfloat16", replace(asked, dtype="bfloat16")
    need = placement.bytes // 2 if wide else placement.bytes
    if machine.gpus:
        if asked.quantization is None:
            for each in ("8bit", "4bit"):
                yield f"quantization_config=BitsAndBytesConfig(load_in_{each}=True)", replace(asked, quantization=each)
        sizes = [each for each in _GPU_SIZES if each * GIB * _SINGLE_GPU_SHARE >= need][:2]
        for gpu in sizes:
            words = f"GPU of {gpu} GiB{' and torch_dtype=torch.bfloat16' if wide else ''}"
            yield words, replace(freed, gpus=(gpu * GIB,), dtype="bfloat16" if wide else asked.dtype)
        largest = max((each for each in machine.gpus.values() if each is not None), default=0)
        count = next((number for number in range(2, 9) if number * largest * _SINGLE_GPU_SHARE >= need), None)
        for number in (count, count + 1) if count is not None else ():
            yield f"GPUs: {number} of {size(largest)}", replace(freed, gpus=(largest,) * number)
    else:
        for ram in [each for each in _RAM_SIZES if each * GIB >= need][:3]:
            words = f"RAM of {ram} GiB{' and torch_dtype=torch.bfloat16' if wide else ''}"
            yield words, replace(freed, ram=ram * GIB, dtype="bfloat16" if wide else asked.dtype)
    if asked.max_memory is None and machine.ram is not None and placement.limits.get("cpu", 0) > machine.ram:
        spare = int(machine.ram * 0.6) // GIB
        limits = {**{name: free for name, free in machine.gpus.items() if free is not None}, "cpu": spare * GIB}
        yield f'max_memory={{..., "cpu": "{spare}GiB"}}', replace(asked, max_memory=limits)


def _with_cache(placed: Placement, checkpoint: Checkpoint, asked: Asked) -> Placement:
    """With what keys and values take by the configuration, where the class itself could not be asked."""
    if asked.context is None or (placed.cache is not None and placed.cache.bytes is not None):
        return placed
    why = placed.cache.reason if placed.cache is not None else placed.because
    text = checkpoint.config.get("text_config")
    said = {**checkpoint.config, **(text if isinstance(text, dict) else {})}
    layers, heads, width = (said.get(each) for each in ("num_hidden_layers", "num_attention_heads", "hidden_size"))
    if not all(type(each) is int and each > 0 for each in (layers, heads, width)) or "kv_lora_rank" in said:
        return replace(placed, cache=CacheSize(None, why))
    assert layers and heads and width
    shared = said.get("num_key_value_heads") or heads
    each_head = said.get("head_dim") or width // heads
    element = 4 if placed.dtypes.get("float32", 0) > placed.bytes // 2 else 2
    total = 2 * layers * shared * each_head * element * (asked.batch or 1) * asked.context
    return replace(placed, cache=CacheSize(total, f"computed from the configuration (layers, heads, tokens); the class could not be asked: {why}"))


def _assumptions(placement: Placement, case: Case, conditions: Conditions) -> Iterator[str]:
    """What the numbers assume, each with the word for which of them."""
    asked, version = case.asked, case.version("transformers")
    main = max(placement.dtypes, key=lambda each: placement.dtypes[each], default="")
    if asked.dtype == "auto":
        yield f'dtype: torch_dtype="auto", which is {main} here'
        if version is not None and version.major < 5 and main in ("bfloat16", "float16") and placement.decided_by == "accelerate":
            yield f"dtype: without torch_dtype this transformers loads float32, which is {size(placement.bytes * 2)}"
    else:
        yield f"dtype: torch_dtype={asked.dtype}, as was asked"
    if placement.decided_by == "estimate":
        yield f"placement: an estimate, because {placement.because}: blocks one behind the other by the sizes in the headers, without buffers"
    else:
        strategy = asked.device_map if isinstance(asked.device_map, str) else "as given"
        yield f"placement: device_map {strategy}, decided by from_pretrained of these releases, on meta"
    given = [name for name, each in (("--gpu", asked.gpus), ("--ram", asked.ram), ("--max-memory", asked.max_memory)) if each is not None]
    yield f"memory: {'as given with ' + ', '.join(given) if given else 'what is free here now'}"
    if asked.max_memory is None and len(conditions.machine.gpus) == 1:
        yield "memory: of a single GPU accelerate keeps a tenth back, unless max_memory is given"
    if conditions.peak is not None:
        yield f"loading: {conditions.peak.assumes}"
    if placement.cache is not None:
        how = placement.cache.reason or "what the class's own cache holds after a forward on meta"
        yield f"cache: {asked.batch or 1} x {asked.context} tokens; {how}"
    if "disk" in placement.devices:
        yield "disk: " + ("pickles are written anew into offload_folder" if conditions.needs_folder else "safetensors are read where they lie")


def with_placement(model: Model, program: Program, environment: Environment) -> Model:
    """What is known of the model, with what its placement in this environment answers: whether part of it is offloaded, and where to.

    Left as it is where the program may load it otherwise than doctor would ask for: with memory given, quantised, or in one of two dtypes
    that are not placed alike.
    """
    loads = [each for each in program.subjects if each.by("device-map-auto")]
    if not loads or any(_is_loaded_otherwise(each) for each in loads):
        return model
    narrow = all(each.by("half-precision") for each in loads)
    attempts = (Attempt("bfloat16"),) if narrow else (Attempt(None), Attempt("bfloat16"))
    from doctor.models.inventory import read_checkpoint

    try:
        answer = place(read_checkpoint(model.path), Asked(), environment, attempts)
    except DoctorError:  # Files that are not all there: what the configuration and the index said still holds.
        return model
    if isinstance(answer, NoAnswer):
        return model
    words = {words_of(each) if isinstance(each, Placement) else None for each in answer}
    if len(words) != 1 or None in words:
        return model
    ((holds, lacks),) = [each for each in words if each is not None]
    return replace(model, holds=model.holds | holds, lacks=model.lacks | lacks)


def _is_loaded_otherwise(subject: Subject) -> bool:
    """Whether the file in which a model is loaded says a word of what changes its placement; also where that file cannot be read."""
    from pathlib import Path

    from doctor.files import read_file

    for each in {use.place.file.partition(".ipynb[")[0] + (".ipynb" if ".ipynb[" in use.place.file else "") for use in subject.uses}:
        try:
            text = read_file(Path(each), _MOST_CODE)
        except OSError:
            return True
        if any(word in text for word in _CHANGE_PLACEMENT):
            return True
    return False
