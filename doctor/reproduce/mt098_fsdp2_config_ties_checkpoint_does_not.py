"""MT098: FSDP2 prepare fails when the configuration ties weights that the checkpoint holds apart.

One gloo process. Accelerator takes FSDP only with an accelerator device, so its state is told that it is FSDP2.
"""

import os
from typing import Any

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "apart": "accelerate alone, one process, an embedding and a head of their own that tie_weights() would tie",
    "control": "the same, tied before",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    try:
        return _prepare_and_compare(shape)
    finally:
        _offload.leave_group()


def _prepare_and_compare(shape: str) -> Verdict:
    import torch

    model = _offload.fill(_offload.tied())
    if shape == "control":
        model.tie_weights()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    accelerator = _fsdp2_accelerator()
    if accelerator is None:
        return not_applicable("accelerate has no FSDP2")
    try:
        prepared, _ = accelerator.prepare(model, optimizer)
    except (KeyError, ValueError) as error:
        if "head.weight" in str(error) or "FSDP2 mapping failed" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    names = sorted(name for name, _ in prepared.named_parameters())
    return not_reproduced("prepared with an optimizer: " + ", ".join(names))


def _fsdp2_accelerator() -> Any:
    import torch
    from accelerate import Accelerator, FullyShardedDataParallelPlugin
    from accelerate.utils import DistributedType, fsdp_utils

    if not hasattr(fsdp_utils, "fsdp2_prepare_model"):
        return None
    if not torch.cuda.is_available():
        # 1.6.0 and 1.7.0 move every tensor to the GPU first, whatever the device of the group is.
        torch.Tensor.cuda = lambda tensor, *_, **__: tensor  # type: ignore[method-assign, assignment]
    os.environ.update(_offload.one_process_group())
    accelerator = Accelerator(cpu=True)
    accelerator.state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin(fsdp_version=2, cpu_ram_efficient_loading=True)
    return accelerator
