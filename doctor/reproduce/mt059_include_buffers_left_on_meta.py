"""MT059: include_buffers=True leaves non-persistent buffers on meta for good."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced

MESSAGES = ("Cannot copy out of meta tensor; no data!", "is on the meta device, we need a `value`")


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights, load_checkpoint_and_dispatch

    original = _offload.fill(_offload.buffered(persistent=False)).eval()
    path = _offload.checkpoint(original, workdir)
    try:
        with init_empty_weights(include_buffers=True):
            model = _offload.buffered(persistent=False)
    except TypeError as error:
        if "register_empty_buffer() got an unexpected keyword argument" in str(error):
            return not_applicable("such a model cannot be built under include_buffers=True (MT058)")
        raise
    try:
        load_checkpoint_and_dispatch(model, path, device_map={"": "cpu"})
    except (NotImplementedError, ValueError) as error:
        if any(message in str(error) for message in MESSAGES) and _offload.on_meta(model) == ["p.c.scale"]:
            return reproduced(_offload.first_line(error))
        raise
    if _offload.on_meta(model):
        return reproduced("left on meta without an error: " + ", ".join(_offload.on_meta(model)))
    if not torch.equal(_offload.run(model.eval(), _offload.vector()), _offload.run(original, _offload.vector())):
        return reproduced("no error, but the output differs from that of the original")
    return not_reproduced("the loaded model gives the output of the original")
