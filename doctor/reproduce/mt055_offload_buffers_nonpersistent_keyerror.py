"""MT055: offload_buffers=True with a non-persistent buffer raises KeyError at the first forward."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import cpu_offload

    model = _offload.fill(_offload.buffered(persistent=False)).eval()
    expected = _offload.run(model, _offload.vector())
    cpu_offload(model, execution_device=torch.device("cpu"), offload_buffers=True)
    try:
        result = _offload.run(model, _offload.vector())
    except KeyError as error:
        if error.args == ("p.c.scale",) and _offload.raised_in(error, "pre_forward"):
            return reproduced("KeyError: 'p.c.scale' in pre_forward")
        raise
    if not torch.equal(result, expected):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the forward gives the output of the model before the offload")
