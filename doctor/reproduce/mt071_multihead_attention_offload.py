"""MT071: offloading nn.MultiheadAttention leaves its out_proj weight on meta in forward."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def attending() -> object:
    """A layer of attention with itself."""
    from torch import nn

    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(_offload.WIDTH, 1, batch_first=True)

        def forward(self, x: object) -> object:
            return self.attention(x, x, x, need_weights=False)[0]

    return Attending()


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import cpu_offload

    model = _offload.fill(attending())
    value = _offload.vector().reshape(1, 1, -1)
    expected = _offload.run(model, value)
    cpu_offload(model, execution_device=torch.device("cpu"))
    try:
        result = _offload.run(model, value)
    except (RuntimeError, NotImplementedError) as error:
        if "meta" in str(error) and _offload.raised_in(error, "multi_head_attention_forward"):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(result, expected):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the forward gives the output of the model before the offload")
