"""MT119: FSDP version 2 in accelerate 1.7 and later refuses a torch older than 2.6."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import inspect

    import torch
    from accelerate import FullyShardedDataParallelPlugin

    if "fsdp_version" not in inspect.signature(FullyShardedDataParallelPlugin).parameters:
        return not_applicable("this accelerate has no FSDP2")
    try:
        plugin = FullyShardedDataParallelPlugin(fsdp_version=2)
    except ImportError as error:
        if "FSDP2 requires PyTorch >= 2.6.0" in str(error):
            return reproduced("torch %s: %s" % (torch.__version__, _tiny.first_line(error)))
        raise
    if plugin.fsdp_version != 2:
        raise AssertionError("no error, but version %s" % plugin.fsdp_version)
    return not_reproduced("torch %s is accepted" % torch.__version__)
