"""MT107: converting or quantizing a model of which a part is offloaded reads weights that are on meta."""

import _dispatch
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "dynamic-quantization": "accelerate alone, the last layer on disk, torch.ao.quantization.quantize_dynamic",
    "cast-values": "the same, every weight read by a program of one's own, .numpy()",
    "control": "the same layers, never offloaded, torch.ao.quantization.quantize_dynamic",
}
FAILURES = ("cannot be called on meta tensors", "meta tensor", "meta Tensor", "device type tensor to numpy", "'meta' device")


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights
    from torch import nn

    original = _offload.fill(_offload.stack()).eval()
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.stack().eval()
    if shape == "control":
        model = original
    else:
        _dispatch.load_and_dispatch(model, path, {"a": "cpu", "m": "cpu", "b": "disk"}, _offload.folder(workdir))
    try:
        if shape == "cast-values":
            read = [parameter.detach().numpy() for parameter in model.parameters()]
            return not_reproduced("%d weights were read" % len(read))
        torch.ao.quantization.quantize_dynamic(model, {nn.Linear})
    except (NotImplementedError, RuntimeError, TypeError) as error:
        if any(said in str(error) for said in FAILURES):
            return reproduced(_offload.first_line(error))
        raise
    return not_reproduced("quantized")
