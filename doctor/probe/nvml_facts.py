"""Runs in doctor's own interpreter, as a child: what the NVIDIA driver says, through NVML. A driver that hangs or crashes hurts only the child."""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Print what NVML answers as one JSON object."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
        sys.stdout.write(json.dumps({"absent": True}))
        return
    except pynvml.NVMLError as error:
        sys.stdout.write(json.dumps({"error": str(error)}))
        return
    cuda = pynvml.nvmlSystemGetCudaDriverVersion_v2()
    devices = [_device(pynvml.nvmlDeviceGetHandleByIndex(index)) for index in range(pynvml.nvmlDeviceGetCount())]
    version = f"{cuda // 1000}.{cuda % 1000 // 10}"
    sys.stdout.write(json.dumps({"driver": pynvml.nvmlSystemGetDriverVersion(), "cuda_version": version, "devices": devices}))


def _device(handle: object) -> dict[str, object]:
    import pynvml

    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return {
        "name": pynvml.nvmlDeviceGetName(handle),
        "memory_total": memory.total,
        "memory_free": memory.free,
        "compute_capability": f"{major}.{minor}",
    }


if __name__ == "__main__":
    main()
