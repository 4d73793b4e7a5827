"""Runs in doctor's own interpreter, as a child: what the NVIDIA driver says, through NVML. A driver that hangs or crashes hurts only the child."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Print what NVML answers as one JSON object."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(sys.argv[1]))  # Should doctor be killed while the driver hangs: not to hang for ever.
    here = os.path.dirname(os.path.abspath(__file__))  # Where our modules would stand in for others, platform.py for one.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    import pynvml

    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
        sys.stdout.write(json.dumps({"absent": True}))
        return
    except pynvml.NVMLError as error:
        sys.stdout.write(json.dumps({"error": str(error)}))
        return
    cuda = _answer(pynvml.nvmlSystemGetCudaDriverVersion_v2)
    facts = {
        "driver": _text(_answer(pynvml.nvmlSystemGetDriverVersion)),
        "cuda_version": None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
        "devices": [device for index in range(_answer(pynvml.nvmlDeviceGetCount) or 0) if (device := _device(index)) is not None],
    }
    sys.stdout.write(json.dumps(facts))


def _answer(ask: Callable[..., Any], *arguments: object) -> Any:
    """What NVML answers; None where it does not, as one GPU of several may, or one without memory of its own when asked for it."""
    import pynvml

    try:
        return ask(*arguments)
    except (pynvml.NVMLError, UnicodeDecodeError):
        return None


def _text(answer: str | bytes | None) -> str | None:
    """Text, which older releases of nvidia-ml-py leave as bytes."""
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _device(index: int) -> dict[str, object] | None:
    import pynvml

    handle = _answer(pynvml.nvmlDeviceGetHandleByIndex, index)
    if handle is None:
        return None
    memory = _answer(pynvml.nvmlDeviceGetMemoryInfo, handle)
    capability = _answer(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    return {
        "name": _text(_answer(pynvml.nvmlDeviceGetName, handle)) or "NVIDIA GPU",
        "memory_total": None if memory is None else memory.total,
        "memory_free": None if memory is None else memory.free,
        "compute_capability": None if capability is None else f"{capability[0]}.{capability[1]}",
    }


if __name__ == "__main__":
    main()
