"""MT104: backward through an offloaded layer gives its parameters no gradient."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from accelerate import dispatch_model

    model = _offload.fill(_offload.stack())
    places = {"a": "cpu", "m": "disk", "b": "cpu"}
    dispatch_model(model, places, main_device="cpu", offload_dir=_offload.folder(workdir))
    try:
        model(_offload.vector()).sum().backward()
    except RuntimeError as error:
        if "expected device meta but got" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    without = [name for name, value in model.named_parameters() if value.grad is None]
    if "m.weight" in without and "m.bias" in without:
        return reproduced("no error, and no gradient for " + ", ".join(without))
    if without:
        raise AssertionError("no gradient, but for other parameters: " + ", ".join(without))
    return not_reproduced("every parameter has a gradient")
