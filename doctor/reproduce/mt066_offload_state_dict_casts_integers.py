"""MT066: offload_state_dict with a dtype casts integer tensors and rounds their values."""

import _files
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "one-bin": "accelerate alone, a layer and a buffer of integers, one .bin file, the map names the CPU only",
    "one-safetensors": "the same, one safetensors file",
    "several-bin": "the same, two .bin files",
    "integer-parameter": "the same, one .bin file, the integers a parameter",
    "control": "one .bin file, offload_state_dict=False",
}


def numbered(as_parameter: bool) -> object:
    """A linear layer and integers that float16 cannot hold, a buffer or a parameter."""
    import torch
    from torch import nn

    module = nn.Module()
    module.linear = nn.Linear(_offload.WIDTH, _offload.WIDTH)
    if as_parameter:
        module.ids = nn.Parameter(torch.tensor([40001, 2, 3]), requires_grad=False)
    else:
        module.register_buffer("ids", torch.tensor([40001, 2, 3]))
    return module


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import load_checkpoint_in_model

    original = _offload.fill(numbered(shape == "integer-parameter"))
    path = _files.state_file(original, workdir, shape if shape in _files.FORMS else "one-bin")
    model = numbered(shape == "integer-parameter")
    load_checkpoint_in_model(
        model,
        path,
        device_map={"": "cpu"},
        dtype=torch.float16,
        offload_folder=_offload.folder(workdir),
        offload_state_dict=shape != "control",
    )
    if not torch.allclose(model.linear.weight.float(), original.linear.weight, atol=1e-3):
        raise AssertionError("the floating weights were not loaded")
    if model.ids.dtype == torch.float16:
        return reproduced(f"int64 [40001, 2, 3] came back as float16 {model.ids.tolist()}")
    if not torch.equal(model.ids, original.ids):
        raise AssertionError(f"the integers differ in another way: {model.ids}")
    return not_reproduced(f"the integers came back as {model.ids.dtype} {model.ids.tolist()}")
