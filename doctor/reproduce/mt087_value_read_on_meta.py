"""MT087: reading a tensor value in a constructor fails under torch.device("meta")."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "item": "torch alone, .item() of a linspace in a constructor, no file",
    "condition": "the same, a condition on a tensor",
    "control": "the same as the first, without the context",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from torch import nn

    class HasASchedule(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            rates = torch.linspace(0, 0.5, 3)
            self.rates = [1.0 if rate > 0.2 else 0.0 for rate in rates] if shape == "condition" else [rate.item() for rate in rates]

    expected = HasASchedule().rates
    try:
        with torch.device("cpu" if shape == "control" else "meta"):
            rates = HasASchedule().rates
    except RuntimeError as error:
        if _tiny.is_value_error_on_meta(error) or "on meta tensors" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    if rates != expected:
        raise AssertionError("read %s instead of %s" % (rates, expected))
    return not_reproduced("read the same values as without the context")
