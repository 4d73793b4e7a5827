"""The upgrade as one command a person can paste, for whatever installed this environment. Pure."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from doctor.facts.environment import THIS_MACHINE, Environment
from doctor.upgrade.plan import Change

_AIMED_NOWHERE: Mapping[str, tuple[str, ...]] = {
    "pip": ("pip", "install"),
    "uv": ("uv", "pip", "install"),
    "uv-project": ("uv", "add"),
    "poetry": ("poetry", "add"),
    "pdm": ("pdm", "add"),
    "pixi": ("pixi", "add", "--pypi"),
}
_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def upgrade_command(changes: Sequence[Change], environment: Environment) -> str | None:
    """The command that makes the changes in the interpreter examined; None when there is nothing to change."""
    by_conda = [change for change in changes if environment.packages[change.package].installer == "conda"]
    others = [change for change in changes if change not in by_conda]
    commands = []
    if by_conda:
        pins = [f"{change.package}={change.to}" for change in by_conda]
        prefix = environment.python.prefix if _is_here(environment) else None
        commands.append(["conda", "install", *(("--prefix", prefix) if prefix else ()), *pins])
    if others:
        commands.append([*_installer(environment), *_pins(others, environment)])
    quote = _for_cmd if environment.platform.system == "windows" else for_posix_shell
    return " && ".join(quote(command) for command in commands) or None


def _is_here(environment: Environment) -> bool:
    return environment.read_from is None or THIS_MACHINE in environment.sources.values()


def _installer(environment: Environment) -> tuple[str, ...]:
    """Aimed at the interpreter or project examined; that of an environment which was read from a text is not here."""
    python, project = environment.python.executable if _is_here(environment) else None, environment.manager.project or "."
    if python is None:
        return _AIMED_NOWHERE[environment.manager.name]
    commands = {
        "pip": (python, "-m", "pip", "install"),
        "uv": ("uv", "pip", "install", "--python", python),
        "uv-project": ("uv", "add", "--project", project),
        "poetry": ("poetry", "add", "--directory", project),
        "pdm": ("pdm", "add", "--project", project),
        "pixi": ("pixi", "add", "--manifest-path", project, "--pypi"),
    }
    return commands[environment.manager.name]


def _pins(changes: Sequence[Change], environment: Environment) -> list[str]:
    """The pins, torch's with the build it has now, so that a CPU-only torch is not replaced by gigabytes of CUDA."""
    pins = []
    for change in changes:
        cpu_build = change.package == "torch" and (environment.packages["torch"].version or "").endswith("+cpu")
        pins.append(f"{change.package}=={change.to}{'+cpu' if cpu_build else ''}")
        if cpu_build:
            pins += ["--extra-index-url", _CPU_INDEX]
    return pins


def _for_cmd(words: Sequence[str]) -> str:
    from subprocess import list2cmdline

    return list2cmdline(words)


def for_posix_shell(words: Sequence[str]) -> str:
    """The words as a command for a POSIX shell."""
    return " ".join(shlex.quote(word) if word.isprintable() else _spelled_out(word) for word in words)


def _spelled_out(word: str) -> str:
    """A word with characters that could steer the terminal, or that are not UTF-8, as the shell reads it (POSIX.1-2024)."""
    spelled = "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\'" else f"\\{byte:03o}" for byte in os.fsencode(word))
    return f"$'{spelled}'"
