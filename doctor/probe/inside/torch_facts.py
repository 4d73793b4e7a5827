"""Runs inside the patient: imports torch and says, one JSON object a line, what torch itself answers.

Line by line, because torch may raise, hang or end the process at any step, and what was said before then still counts.
Standard library and torch only; Python 3.8 and newer.
"""

import importlib.util
import json
import os
import signal
import sys
import warnings


def main():
    lifetime = int(sys.argv.pop())
    if hasattr(signal, "alarm"):
        signal.alarm(lifetime)  # Should doctor be killed while torch hangs: not to hang for ever.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever torch prints on import must not mix with the answers.

    def say(**facts):
        answers.write("\n" + json.dumps(facts) + "\n")
        answers.flush()

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if not is_folder(entry, here)]
    try:
        ask(say)
    except BaseException as error:
        say(error="%s: %s" % (type(error).__name__, error))
    answers.flush()
    os._exit(0)  # Not through torch's own clean-up, which can hang, and takes a while when it does not.


def ask(say):
    if importlib.util.find_spec("torch") is None:
        say(found=False)
        return
    say(found=True, importable=False, step="import torch")
    import torch

    say(importable=True, version=str(torch.__version__), step="torch.version")
    built = torch.version
    say(cuda_built=getattr(built, "cuda", None), hip_built=getattr(built, "hip", None), step="torch.cuda.is_available()")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        available = bool(torch.cuda.is_available())
    say(cuda_available=available, step="torch.cuda")
    if available:
        say(devices=[cuda_device(torch, index) for index in range(torch.cuda.device_count())])
        say(arch_list=[str(arch) for arch in torch.cuda.get_arch_list()])
    else:
        say(cuda_unavailable_because=why_no_cuda(torch, caught))
    say(step="torch.backends.mps")
    mps = getattr(torch.backends, "mps", None)
    say(mps_available=bool(mps is not None and mps.is_available()), step="torch.xpu")
    xpu = getattr(torch, "xpu", None)
    has_xpu = bool(xpu is not None and xpu.is_available())
    say(xpu_available=has_xpu)
    if has_xpu:
        say(xpu_devices=[xpu_device(torch, index) for index in range(torch.xpu.device_count())])
    say(default_dtype=str(torch.get_default_dtype()), step="torch.get_default_device()")
    if hasattr(torch, "get_default_device"):
        say(default_device=str(torch.get_default_device()))
    say(step="done")


def cuda_device(torch, index):
    properties = torch.cuda.get_device_properties(index)
    rocm = getattr(torch.version, "hip", None) is not None
    return {
        "name": str(properties.name),
        "memory_total": int(properties.total_memory),
        # CUDA's free memory is asked of the driver: asking torch starts a context, which costs time and memory on the GPU.
        "memory_free": int(torch.cuda.mem_get_info(index)[0]) if rocm else None,
        "compute_capability": None if rocm else "%d.%d" % (properties.major, properties.minor),
    }


def xpu_device(torch, index):
    properties = torch.xpu.get_device_properties(index)
    return {"name": str(properties.name), "memory_total": int(properties.total_memory), "memory_free": None, "compute_capability": None}


def why_no_cuda(torch, caught):
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return "this torch is built without CUDA and ROCm"
    for warning in caught:
        return str(warning.message)
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU"
    try:
        torch.cuda.init()
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)
    return "torch gave no reason"


def is_folder(entry, folder):
    """Whether an entry of sys.path, which may be anything, is this folder."""
    try:
        return os.path.abspath(entry or ".") == folder
    except (TypeError, ValueError):
        return False


main()
