"""MT161: an optimizer that was made while the model was on meta trains parameters that are the model's no more."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "assign": "torch alone, one layer on meta, an optimizer, then load_state_dict(assign=True) and a step",
    "replaced": "the same, the parameters set by hand",
    "control": "the same as the first, the optimizer made after the load",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from torch import nn

    if shape != "replaced" and _tiny.release("torch") < (2, 1):
        return not_applicable("load_state_dict has no assign before torch 2.1.0")
    original = nn.Linear(_tiny.HIDDEN, 1)
    model = nn.Linear(_tiny.HIDDEN, 1, device="meta")
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    if shape == "replaced":
        model.weight, model.bias = original.weight, original.bias
    else:
        model.load_state_dict(original.state_dict(), assign=True)
    if shape == "control":
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    before = model.weight.detach().clone()
    model(torch.ones(1, _tiny.HIDDEN)).sum().backward()
    optimizer.step()
    if torch.equal(model.weight, before):
        return reproduced("without an error, the step left every weight of the model as it was")
    return not_reproduced("the step changed the weights")
