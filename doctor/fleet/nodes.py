"""Runs on a node of a Ray cluster, sent there by value: nothing of doctor is imported here, so that a node without it can say so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

_SHARE = 0.8
"""Of the time that a node may take, what the examination may: starting a worker takes some as well."""


def reported(python: str | None, model: str | None, seconds: float) -> tuple[bytes, str | None]:
    """The report of the node, as `doctor report --format json` writes it there: masked before it leaves the node. Or why there is none."""
    asked = os.path.expanduser(os.path.expandvars(python)) if python is not None else sys.executable
    command = [sys.executable, "-m", "doctor", "report", "--format", "json", "--python", asked, "--timeout", str(max(seconds / 4, 1.0))]
    command += ["--model", model] if model is not None else []
    # Ray hides the GPUs from a task that asked for none.
    own = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES" or value}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=own, start_new_session=True) as child:
        try:
            out, err = child.communicate(timeout=seconds * _SHARE)  # before the worker is given up, and this child left alone
        except subprocess.TimeoutExpired:
            return b"", f"no answer in {seconds:g} s"
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    if child.returncode == 0:
        return out, None
    if child.returncode < 0:
        memory = ", as the system does for want of memory" if child.returncode == -signal.SIGKILL else ""
        return b"", f"its examination was ended by signal {-child.returncode}{memory}"
    said = err.decode("utf-8", "replace").strip().splitlines() or [f"it ended with {child.returncode}"]
    last = said[-1].replace("doctor: ", "", 1)[:300]
    if "No module named doctor" in last:
        return b"", "doctor is not installed there: --runtime-env '{\"pip\": [...]}' puts it there for the time"
    return b"", last


__all__ = ["reported"]
