"""A folder for what runs in the patient, removed in the end however doctor ends."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from doctor.errors import DoctorError
from doctor.probe.child import INSIDE


@contextlib.contextmanager
def temporary_folder(purpose: str) -> Iterator[str]:
    """A folder that is removed in the end, also when doctor is killed. `purpose` ends the sentence `no temporary folder, which ...`.

    Raises `DoctorError` when there can be none.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix="doctor-", ignore_cleanup_errors=True)
    except OSError as error:
        raise DoctorError(f"no temporary folder can be made, which {purpose} (TMPDIR names another): {error.strerror}") from None
    with made as folder:
        command = [sys.executable, "-I", "-S", "-B", str(INSIDE / "remove.py"), folder]
        # In a session of its own, so that what ends doctor's group does not end it.
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True):
            yield folder
