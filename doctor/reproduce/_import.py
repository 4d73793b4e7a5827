"""Importing a package in a new interpreter: a runner has imported it already, or could not."""

import importlib.util
import subprocess
import sys
from typing import NamedTuple, Optional


class Ending(NamedTuple):
    """How the import ended."""

    version: Optional[str]
    """None: it failed."""
    error: str
    """The last line of what it said; empty where it said nothing."""


def in_new_interpreter(package: str, workdir: str) -> Ending:
    command = [sys.executable, "-c", "import %s as found; print(found.__version__)" % package]
    ended = subprocess.run(command, cwd=workdir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    lines = ended.stderr.decode(errors="replace").strip().splitlines()
    return Ending(ended.stdout.decode().strip() if ended.returncode == 0 else None, lines[-1] if lines else "")


def is_there(package: str) -> bool:
    """Whether it is installed; it is not imported."""
    return importlib.util.find_spec(package) is not None
