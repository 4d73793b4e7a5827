"""MT069: a second post_forward on an offloaded model raises TypeError."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import cpu_offload

    model = _offload.fill(_offload.stack()).eval()
    expected = _offload.run(model, _offload.vector())
    cpu_offload(model, execution_device=torch.device("cpu"))
    _offload.run(model, _offload.vector())
    hook = model.a._hf_hook
    try:
        hook.post_forward(model.a, _offload.vector())
    except TypeError as error:
        if "'NoneType' object is not iterable" in str(error) and _offload.raised_in(error, "post_forward"):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(_offload.run(model, _offload.vector()), expected):
        raise AssertionError("no error, but the output differs afterwards")
    return not_reproduced("the second post_forward passes and the forward still gives the same output")
