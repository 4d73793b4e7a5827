"""MT085: a partial checkpoint loaded with strict=False leaves parameters on meta."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn

    if _tiny.release("torch") < (2, 1):
        return not_applicable("load_state_dict has no assign before torch 2.1.0")
    original = nn.Sequential(nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN), nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN))
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN), nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN))
    partial = {name: tensor for name, tensor in original.state_dict().items() if name.startswith("0.")}
    model.load_state_dict(partial, strict=False, assign=True)
    try:
        model.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error) and _tiny.on_meta(model) == ["1.weight", "1.bias"]:
            return reproduced("1.weight, 1.bias on meta; " + _tiny.first_line(error))
        raise
    return not_reproduced("no parameter is on meta")
