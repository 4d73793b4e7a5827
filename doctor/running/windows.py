"""Where there are no forks, no groups and no pseudo-terminals: stderr is a pipe that doctor reads."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence

from doctor.running import Ended
from doctor.running.transcript import Recorder

_CHUNK_BYTES = 64 * 1024


def run(command: Sequence[str]) -> Ended:
    """See `run_program`. Raises OSError when it cannot be started."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, bufsize=0, close_fds=False)
    assert process.stderr is not None
    printed = Recorder()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the console sends it to the program as well
    try:
        while chunk := process.stderr.read(_CHUNK_BYTES):
            with contextlib.suppress(OSError):
                os.write(2, chunk)
            printed.add(chunk)
        return Ended(process.wait(), printed.transcript())
    finally:
        signal.signal(signal.SIGINT, before)
