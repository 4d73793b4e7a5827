"""The operating system. The standard library's `platform` starts subprocesses on some systems for what `os.uname` answers."""

from __future__ import annotations

import os
import sys
from typing import Literal

from doctor.facts.environment import Platform

_SYSTEMS: dict[str, Literal["linux", "darwin", "windows", "other"]] = {"linux": "linux", "darwin": "darwin", "win32": "windows"}


def examine_platform() -> Platform:
    """The system doctor runs on, which is the patient's too."""
    system = _SYSTEMS.get(sys.platform, "other")
    if sys.platform == "win32":
        version = sys.getwindowsversion()
        return Platform(system, f"{version.major}.{version.minor}.{version.build}", os.environ.get("PROCESSOR_ARCHITECTURE", ""))
    uname = os.uname()
    return Platform(system, uname.release, uname.machine)
