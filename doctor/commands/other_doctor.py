"""Other distributions install a script called `doctor` as well (env-doctor does): whoever comes last wins, silently."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from doctor.files import read_beginning

_IMPORT = re.compile(rb"^from ([A-Za-z_][\w.]*) import", re.MULTILINE)


def owner_of_doctor_on_path() -> tuple[str, str] | None:
    """The `doctor` script on PATH and the module it starts, when that is not ours. None when it is, or there is none to be read."""
    script = shutil.which("doctor")
    if script is None:
        return None
    try:
        match = _IMPORT.search(read_beginning(Path(script), 4096))
    except OSError:
        return None
    if match is None or match[1] == b"doctor.cli":
        return None
    return script, match[1].decode("ascii", "replace")
