"""Environment variables that scripts and configurations give a program: shell scripts, Dockerfiles, .env, accelerate's configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from doctor.facts.program import Place, Variable

_NAMES = re.compile(
    r"(?:.{0,100}\.(?:sh|bash|env|slurm|sbatch)|\.env(?:\..{0,30})?|(?:.{0,60}\.)?Dockerfile(?:\..{0,60})?|.{0,60}\.dockerfile)", re.IGNORECASE
)
_ASSIGNMENT = re.compile(r"(?:^|[\s;&])(?:export\s{1,8}|ENV\s{1,8})?([A-Z][A-Z0-9_]{1,60})=([^\s;&|\\]{0,200})")
_OLD_ENV = re.compile(r"^\s{0,20}ENV\s{1,8}([A-Z][A-Z0-9_]{1,60})\s{1,8}(\S{1,200})\s{0,20}$")
_PROCESSES = re.compile(r"\btorchrun\b.{0,300}?--nproc[_-]per[_-]node[= ](\w{1,10})|\baccelerate\s{1,8}launch\b.{0,300}?--num_processes[= ](\d{1,6})")
_FSDP = re.compile(r"\baccelerate\s{1,8}launch\b.{0,300}?--use_fsdp\b")
_SETTING = re.compile(r"^\s{0,20}(distributed_type|num_processes|fsdp_version|fsdp_cpu_ram_efficient_loading)\s{0,8}:\s{0,8}[\"']?(\w{1,40})")
_MOST_LINES = 20_000


def is_script(file: str) -> bool:
    """Whether a file, by its name, is a script or a list of variables."""
    return _NAMES.fullmatch(os.path.basename(file)) is not None


def script_variables(content: bytes, file: str) -> Iterator[Variable]:
    """The variables that a script sets."""
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines()[:_MOST_LINES], 1):
        text = line[:2000]
        if text.lstrip().startswith("#"):
            continue
        source = text.strip()[:200]
        for pattern in (_ASSIGNMENT, _OLD_ENV):
            for match in pattern.finditer(text):
                yield Variable(match[1], match[2].strip("'\""), Place(file, number, match.start(1) + 1, source, "certain"))
        processes = _PROCESSES.search(text)
        count = next((each for each in processes.groups() if each), "1") if processes is not None else "1"
        if processes is not None and count != "1":
            yield Variable("WORLD_SIZE", count, Place(file, number, processes.start() + 1, source, "certain"))
        if (launch := _FSDP.search(text)) is not None:
            yield Variable("ACCELERATE_USE_FSDP", "true", Place(file, number, launch.start() + 1, source, "certain"))


def configured_variables(content: bytes, file: str) -> Iterator[Variable]:
    """What `accelerate launch --config_file` sets for its processes (accelerate/utils/launch.py); nothing for any other YAML.

    Whether a program is launched with it is said nowhere in it: a folder may hold one for each way to launch.
    """
    if b"distributed_type" not in content:
        return
    found = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines()[:_MOST_LINES], 1):
        match = _SETTING.match(line[:500])
        if match is not None:
            found[match[1]] = match[2], Place(file, number, match.start(1) + 1, line.strip()[:200], "possible")
    kind, place = found.get("distributed_type", ("NO", Place(file, 1, 1, "", "possible")))
    processes = found.get("num_processes")
    if processes is not None and processes[0].isdecimal() and processes[0].strip("0") not in ("", "1"):
        yield Variable("WORLD_SIZE", processes[0], processes[1])
    if kind != "FSDP":
        return
    yield Variable("ACCELERATE_USE_FSDP", "true", place)
    for setting, name in (("fsdp_version", "FSDP_VERSION"), ("fsdp_cpu_ram_efficient_loading", "FSDP_CPU_RAM_EFFICIENT_LOADING")):
        if setting in found:
            value, where = found[setting]
            yield Variable(name, value.lower(), where)
