"""MT097: FSDP1 with cpu_ram_efficient_loading separates tied weights on every rank but the first. Two gloo processes.

Accelerator takes FSDP only with an accelerator device, so its state is told that it is FSDP, and its plugin that the CPU is that device.
FSDP itself gives the modules on meta their memory; before it sends anything the two ranks are asked whether the pair is still one.
"""

import os
from typing import Any, Dict

import _offload
import _two_ranks
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "embed-first": "accelerate alone, two processes, the second builds on meta a pair of which the embedding comes first",
    "head-first": "the same, the head comes first",
}


class _Seen(Exception):
    """What FSDP has made."""


def reproduce(workdir: str, shape: str) -> Verdict:
    import accelerate

    if not hasattr(os, "fork"):
        return not_applicable("it takes two forked processes")
    if _numbers(accelerate.__version__) < (0, 22):
        return not_applicable("the plugin of this release gives nothing on meta its memory")

    def work(rank: int) -> Dict[str, Any]:
        return _as_fsdp_makes_it(_model(shape, on_meta=rank > 0))

    launched = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "LOCAL_WORLD_SIZE": "2", "ACCELERATE_USE_CPU": "true"}
    first, second = _two_ranks.answers(work, workdir, dict(launched, FSDP_SYNC_MODULE_STATES="true"))
    if "error" in first or "error" in second or first["cut"] or second["left"]:
        raise AssertionError("not as FSDP makes it: %s; %s" % (first, second))
    if second["cut"]:
        return reproduced("without an error, on rank 1 the pair is two tensors, and one on rank 0")
    return not_reproduced("the pair is one tensor on both ranks")


def _numbers(version: str) -> Any:
    return tuple(int(each) for each in version.split(".")[:2])


def _model(shape: str, *, on_meta: bool) -> Any:
    import contextlib

    from accelerate import init_empty_weights

    with init_empty_weights() if on_meta else contextlib.nullcontext():
        model = _offload.tied()
    model.tie_weights()
    if shape == "head-first":
        for name in [each for each in model._modules if each != "head"]:
            model._modules[name] = model._modules.pop(name)
    model._tied_weights_keys = ["head.weight"]
    return model


def _as_fsdp_makes_it(model: Any) -> Dict[str, Any]:
    import torch
    import torch.distributed.fsdp._init_utils as fsdp
    from accelerate import Accelerator, FullyShardedDataParallelPlugin
    from accelerate.utils import DistributedType, dataclasses

    def seen(module: Any, *_: Any, **__: Any) -> None:
        raise _Seen(module)

    fsdp._sync_module_params_and_buffers = seen
    torch.cuda.current_device = lambda: torch.device("cpu")  # type: ignore[assignment, return-value]
    dataclasses.is_cuda_available = lambda: True
    plugin = FullyShardedDataParallelPlugin(sync_module_states=True)
    accelerator = Accelerator(cpu=True)
    accelerator.state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = plugin
    accelerator.state.device = torch.device("cpu")
    try:
        accelerator.prepare_model(model, device_placement=False)
    except _Seen as made:
        (module,) = made.args
        return {"cut": module.embed.weight is not module.head.weight, "left": _offload.on_meta(module)}
    raise AssertionError("FSDP sent nothing")
