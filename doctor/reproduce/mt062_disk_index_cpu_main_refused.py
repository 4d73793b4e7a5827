"""MT062: disk offload from safetensors is refused when the rest of the map is on the CPU."""

import inspect
import os

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import dispatch_model
    from safetensors.torch import save_file

    if "offload_index" not in inspect.signature(dispatch_model).parameters:
        return not_applicable("dispatch_model has no offload_index")
    model = _offload.fill(_offload.stack()).eval()
    expected = _offload.run(model, _offload.vector())
    path = os.path.join(workdir, "model.safetensors")
    save_file(model.state_dict(), path)
    index = {name: {"safetensors_file": path, "weight_name": name, "dtype": "float32"} for name in ("a.weight", "a.bias")}
    places = {"a": "disk", "m": "cpu", "b": "cpu"}
    try:
        dispatch_model(model, places, main_device="cpu", offload_index=index)
    except ValueError as error:
        if "Need either a `state_dict` or a `save_folder`" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(_offload.run(model, _offload.vector()), expected):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the forward gives the output of the model before the offload")
