"""MT087: reading a tensor value in a constructor fails under torch.device("meta")."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn

    class HasASchedule(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rates = [rate.item() for rate in torch.linspace(0, 0.5, 3)]

    expected = HasASchedule().rates
    try:
        with torch.device("meta"):
            rates = HasASchedule().rates
    except RuntimeError as error:
        if _tiny.is_value_error_on_meta(error):
            return reproduced(_tiny.first_line(error))
        raise
    if rates != expected:
        raise AssertionError("read %s instead of %s" % (rates, expected))
    return not_reproduced("read the same values as without the context")
