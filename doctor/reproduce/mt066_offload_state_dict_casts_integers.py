"""MT066: offload_state_dict with a dtype casts integer tensors and rounds their values."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def numbered() -> object:
    """A linear layer and a buffer of integers that float16 cannot hold."""
    import torch
    from torch import nn

    module = nn.Module()
    module.linear = nn.Linear(_offload.WIDTH, _offload.WIDTH)
    module.register_buffer("ids", torch.tensor([40001, 2, 3]))
    return module


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import load_checkpoint_in_model

    original = _offload.fill(numbered())
    path = _offload.checkpoint(original, workdir)
    model = numbered()
    load_checkpoint_in_model(
        model,
        path,
        device_map={"": "cpu"},
        dtype=torch.float16,
        offload_folder=_offload.folder(workdir),
        offload_state_dict=True,
    )
    if not torch.allclose(model.linear.weight.float(), original.linear.weight, atol=1e-3):
        raise AssertionError("the floating weights were not loaded")
    if model.ids.dtype == torch.float16:
        return reproduced(f"int64 [40001, 2, 3] came back as float16 {model.ids.tolist()}")
    if not torch.equal(model.ids, original.ids):
        raise AssertionError(f"the integers differ in another way: {model.ids}")
    return not_reproduced(f"the integers came back as {model.ids.dtype} {model.ids.tolist()}")
