"""MT072: model.to() on a model that has offloaded modules."""

import _offload
from _harness import Verdict, not_reproduced, reproduced

MESSAGES = (
    "Cannot copy out of meta tensor; no data!",
    "You can't move a model that has some modules offloaded to cpu or disk.",
)


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import dispatch_model

    model = _offload.fill(_offload.stack()).eval()
    expected = _offload.run(model, _offload.vector())
    places = {"a": "cpu", "m": "disk", "b": "cpu"}
    dispatch_model(model, places, main_device="cpu", offload_dir=_offload.folder(workdir))
    try:
        model.to("cpu")
    except (NotImplementedError, RuntimeError) as error:
        if any(message in str(error) for message in MESSAGES):
            return reproduced(_offload.first_line(error))
        raise
    if _offload.on_meta(model):
        raise AssertionError("no error, but still on meta: " + ", ".join(_offload.on_meta(model)))
    if not torch.equal(_offload.run(model, _offload.vector()), expected):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the model was moved and gives the same output")
