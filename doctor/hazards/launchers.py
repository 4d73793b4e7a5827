"""Environment variables that scripts and configurations give a program: shell scripts, Dockerfiles, .env, accelerate's YAML."""

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
_MOST_LINES = 20_000


def is_launcher(file: str) -> bool:
    """Whether a file, by its name, may set variables."""
    return _NAMES.fullmatch(os.path.basename(file)) is not None


def variables_of(content: bytes, file: str) -> Iterator[Variable]:
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
