"""Real environments: a venv each, with real releases, made once and kept in pytest's cache folder.

pip makes them, because pip finds a CPU build of torch wherever its configuration or environment names one
(`PIP_EXTRA_INDEX_URL`); the versions are pinned, so that what is known about them stays true.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from filelock import FileLock

TORCH = "torch==2.13.0"
OLD = (TORCH, "transformers==4.46.3", "accelerate==1.0.1")
"""Findings that an upgrade clears, and findings that none clears."""
MIDDLE = (TORCH, "transformers==4.57.6", "accelerate==1.10.1")
"""Loads race here, and nowhere else of the three."""
_NEWEST = ("transformers==5.23.0",) if sys.version_info >= (3, 11) else ("transformers==5.20.2", "requests")
"""What runs on this Python; `transformers env` of the second imports requests, which it does not ask for."""
CURRENT = (TORCH, *_NEWEST, "accelerate==1.15.0")
"""The newest releases the matrix covers: only what is still open."""
NO_TORCH = ("transformers==4.46.3", "accelerate==1.0.1", "--no-deps")


def make_stack(folder: Path, requirements: tuple[str, ...]) -> Path:
    """The environment folder of a venv that holds `requirements`; made when it is not there yet, or was left half made.

    Tests that run side by side wait for the one that makes it.
    """
    home = _home(folder, requirements)
    with FileLock(f"{home.parent}.lock"):
        if is_made(folder, requirements):
            return home
        shutil.rmtree(home.parent, ignore_errors=True)
        venv.create(home, with_pip=True)
        subprocess.run([python_in(home), "-m", "pip", "install", "--quiet", *requirements], check=True)
        (home.parent / "finished").touch()
    return home


def is_made(folder: Path, requirements: tuple[str, ...]) -> bool:
    """Whether the stack is there, whole."""
    return (_home(folder, requirements).parent / "finished").exists()


def _home(folder: Path, requirements: tuple[str, ...]) -> Path:
    return folder / hashlib.sha256(" ".join((sys.version, *requirements)).encode()).hexdigest()[:12] / ".venv"


def python_in(home: Path) -> Path:
    """The interpreter of a venv."""
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
