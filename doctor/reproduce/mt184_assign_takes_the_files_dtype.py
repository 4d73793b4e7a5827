"""MT184: load_state_dict(assign=True) gives the model the dtype of the file, whatever its own."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "whole": "a layer built on meta in bfloat16, a float32 state dict assigned",
    "part": "two layers so, of which the state dict has one: the forward fails",
    "control": "the same layer built on the CPU, without assign",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from torch import nn

    if shape != "control" and _tiny.release("torch") < (2, 1):
        return not_applicable("load_state_dict has no assign before torch 2.1.0")
    half, state = torch.bfloat16, nn.Linear(4, 4).state_dict()
    if shape == "part":
        model = nn.Sequential(nn.Linear(4, 4, dtype=half, device="meta"), nn.Linear(4, 4, dtype=half))
        model.load_state_dict({"0." + name: tensor for name, tensor in state.items()}, strict=False, assign=True)
        try:
            model(torch.ones(1, 4))
        except RuntimeError as error:
            return reproduced(_tiny.first_line(error)[:100])
        return not_reproduced("the forward works")
    model = nn.Linear(4, 4, dtype=half, device="cpu" if shape == "control" else "meta")
    model.load_state_dict(state, **({} if shape == "control" else {"assign": True}))
    if model.weight.dtype == half:
        return not_reproduced("the layer is of the dtype it was built in")
    return reproduced("without an error, the layer is %s and was built %s" % (model.weight.dtype, half))
