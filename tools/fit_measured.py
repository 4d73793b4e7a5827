"""Measure what `doctor fit` foretells against what from_pretrained of real releases does, and print the tables of docs/models.md.

    python -m tools.fit_measured placement FOLDER ENVIRONMENT...   # device maps and what is left on meta
    python -m tools.fit_measured peak FOLDER ENVIRONMENT...        # the most that is resident while loading
    python -m tools.fit_measured sizes FOLDER ENVIRONMENT OTHER    # how large models are, by doctor, by accelerate, and by hf-mem in OTHER

ENVIRONMENT is a folder with torch, transformers and accelerate (and diffusers, for its row); FOLDER is where models are made, a
gigabyte of them for `peak`, and left. Maps: small random models of eleven architectures under four settings of max_memory. A load that
fails counts where the map with which it fails is the one foretold, or where the same error is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version

from doctor.facts.placement import Placement, Refusal
from doctor.models.inventory import read_checkpoint
from doctor.models.loading import peak_of
from doctor.probe.placement import SCRIPT, Attempt, NoAnswer, Question, ask_placement, placements_in, write_job

_INSIDE = Path(__file__).parent / "inside"
_SHARES = {"one device": 10.0, "most in RAM": 0.7, "some in RAM": 0.35, "all on disk": 0.0}
_DTYPES = {"encoder_decoder": "float16", "untied": "bfloat16", "experts": "bfloat16"}
_PEAKS = (
    ("one", "bfloat16", None),
    ("one", "bfloat16", "auto"),
    ("one", "float32", None),
    ("one", "float32", "auto"),
    ("shards", "float32", None),
    ("shards", "float32", "auto"),
    ("pickle", "bfloat16", None),
    ("pickle", "bfloat16", "auto"),
    ("pickle", "float32", None),
)


def main(arguments: Sequence[str]) -> None:
    """Print a table for each environment."""
    what, folder, *environments = arguments
    if what == "sizes":
        for row in _sizes(folder, *(str(Path(each, "bin", "python")) for each in environments)):
            print(row, flush=True)
        return
    for environment in environments:
        python = str(Path(environment, "bin", "python"))
        versions = _run(python, "-c", "import json, transformers, accelerate; print(json.dumps([transformers.__version__, accelerate.__version__]))")
        names = dict(zip(("transformers", "accelerate"), versions[-1], strict=True))
        rows = _placements(python, os.path.join(folder, names["transformers"])) if what == "placement" else _peaks(python, folder, names)
        print(f"\ntransformers {names['transformers']}, accelerate {names['accelerate']}")
        for row in rows:
            print(row, flush=True)


def _run(python: str, *arguments: str) -> list[Any]:
    done = subprocess.run([python, *arguments], capture_output=True, text=True, check=False, env=_variables(python))
    found = [json.loads(each) for each in done.stdout.splitlines() if each.startswith(("{", "["))]
    if not found:
        raise SystemExit(f"{python} {arguments[:2]}: {done.stderr[-500:]}")
    return found


def _variables(python: str) -> dict[str, str]:
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_MODULES_CACHE": os.path.join(os.path.dirname(python), "fit-modules")}


def _placements(python: str, folder: str) -> Iterator[str]:
    os.makedirs(folder, exist_ok=True)
    made = _run(python, str(_INSIDE / "fit_loads.py"), "make", folder)
    yield from (f"{each['name']}: not made: {each['error']}" for each in made if "error" in each)
    limits = {each["name"]: _limits(each) for each in made if "error" not in each}
    settings = [
        json.dumps({"name": name, "device_map": "auto", "dtype": _dtype(name), "setting": setting, "max_memory": each})
        for name, settings in limits.items()
        for setting, each in settings.items()
    ]
    loaded = {(each["name"], each["setting"]): each for each in _run(python, str(_INSIDE / "fit_loads.py"), "load", folder, *settings)}
    foretold = _foretold(python, folder, limits)
    same = 0
    for (name, setting), placed in foretold.items():
        difference, error = _difference(placed, loaded[name, setting]), loaded[name, setting].get("error", "")
        same += not difference
        if difference or error:
            yield f"{name}, {setting}: {difference or 'alike'}{f'; really {error[:80]}' if error else ''}"
    yield f"{same} of {len(loaded)} alike"


def _dtype(name: str) -> str:
    return _DTYPES.get(name, "float32")


def _limits(made: dict[str, Any]) -> dict[str, dict[str, int]]:
    size = made["bytes"] * (1 if _dtype(made["name"]) == "float32" else 0.5)
    return {setting: {"cpu": int(size * share)} for setting, share in _SHARES.items()}


def _foretold(python: str, folder: str, limits: dict[str, dict[str, dict[str, int]]]) -> dict[tuple[str, str], Placement | Refusal]:
    """What doctor foretells of every model under every setting, by the two."""
    questions: dict[str, Question] = {}
    jobs: dict[str, str] = {}
    for name, settings in limits.items():
        checkpoint = read_checkpoint(os.path.join(folder, name))
        attempts = tuple(Attempt(_dtype(name), max_memory=each, offload_folder=os.path.join(folder, "offloaded")) for each in settings.values())
        questions[name] = Question(checkpoint.config, code=checkpoint.code, trust_remote_code=True, attempts=attempts)
        jobs[name] = write_job(tempfile.mkdtemp(prefix=f"{name}-", dir=folder), questions[name])
    subprocess.run([python, str(_INSIDE / "fit_foretell.py"), str(SCRIPT), *jobs.values()], capture_output=True, check=True, env=_variables(python))
    found = {}
    for name, question in questions.items():
        answer = placements_in(Path(f"{jobs[name]}.answer").read_bytes(), question)
        placements = answer or (Refusal("no answer"),) * len(question.attempts)
        found.update({(name, setting): placed for setting, placed in zip(limits[name], placements, strict=True)})
    return found


def _difference(placed: Placement | Refusal, loaded: dict[str, Any]) -> str:
    """How what was foretold differs from what was loaded; empty where it does not."""
    if isinstance(placed, Refusal):
        return "" if loaded.get("error", "")[:100] == placed.error[:100] else f"foretold error {placed.error[:100]}"
    foretold = {each.module: each.device for each in placed.parts}
    if loaded["map"] is None:
        return f"no map was come to, foretold {foretold}"
    if foretold != loaded["map"]:
        return f"map {foretold} and really {loaded['map']}"
    if "error" in loaded:
        return ""
    left = (placed.on_meta.tensors, placed.on_meta.parameters)
    if left != (loaded["meta"], loaded["meta_parameters"]) or loaded["meta_buffers"]:
        return f"on meta {left} and really {loaded['meta'], loaded['meta_parameters'], loaded['meta_buffers']}"
    all_in_ram = placed.devices == ("cpu",)  # What is on meta has the dtype that it was made in, not the one it is read in.
    return f"bytes {placed.bytes} and really {loaded['bytes']}" if all_in_ram and placed.bytes != loaded["bytes"] else ""


def _peaks(python: str, folder: str, versions: dict[str, str]) -> Iterator[str]:
    if not os.path.isdir(os.path.join(folder, "one")):
        _run(python, str(_INSIDE / "fit_peak.py"), "make", folder, "0.7")
    for kind, dtype, device_map in _PEAKS:
        options = {"kind": kind, "torch_dtype": dtype, **({"device_map": device_map} if device_map else {})}
        (seen,) = _run(python, str(_INSIDE / "fit_peak.py"), "load", folder, json.dumps(options))
        checkpoint = read_checkpoint(os.path.join(folder, kind))
        answer = ask_placement(python, Question(checkpoint.config, attempts=(Attempt(dtype=dtype, device_map={"": "cpu"}),)))
        assert not isinstance(answer, NoAnswer), answer
        (placed,) = answer
        assert isinstance(placed, Placement), placed
        foretold = peak_of(placed, checkpoint, Version(versions["transformers"]), mapped=device_map is not None)
        really = seen["peak"]["VmHWM"]
        said = foretold.bytes if foretold is not None else 0
        yield f"| {kind} | {dtype} | {device_map or 'none'} | {said / 1e6:.0f} | {really / 1e6:.0f} | {(said - really) / really:+.0%} |"


def _sizes(folder: str, python: str, other: str) -> Iterator[str]:
    script = str(_INSIDE / "fit_sizes.py")
    by_accelerate = {each["name"]: each["accelerate"] for each in _run(python, script, "make", folder)}
    by_hf_mem = {each["name"]: each["hf_mem"] for each in _run(other, script, "hf-mem", folder)}
    for name, accelerate in by_accelerate.items():
        checkpoint = read_checkpoint(os.path.join(folder, name))
        answer = ask_placement(python, Question(checkpoint.config, attempts=(Attempt(dtype="bfloat16", device_map={"": "cpu"}),)))
        assert not isinstance(answer, NoAnswer), answer
        (placed,) = answer
        assert isinstance(placed, Placement), placed
        stored = sum(each.bytes for each in checkpoint.tensors or ())
        yield f"| {name} | {placed.parameters:,} | {placed.bytes - placed.buffer_bytes:,} | {stored:,} | {by_hf_mem[name]:,} | {accelerate:,.0f} |"


if __name__ == "__main__":
    main(sys.argv[1:])
