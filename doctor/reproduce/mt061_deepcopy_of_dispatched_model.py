"""MT061: a deepcopy of a dispatched model computes with the weights of the original."""

import copy

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import dispatch_model

    model = _offload.fill(_offload.stack()).eval()
    places = {"a": "cpu", "m": "disk", "b": "cpu"}
    dispatch_model(model, places, main_device="cpu", offload_dir=_offload.folder(workdir))
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.b.weight.zero_()
        twin.b.bias.fill_(7.0)
    result = _offload.run(twin, _offload.vector())
    if torch.equal(result, torch.full_like(result, 7.0)):
        return not_reproduced("the copy computes with its own weights")
    if torch.equal(result, _offload.run(model, _offload.vector())):
        return reproduced("the copy, its last layer zeroed, still gives the output of the original")
    raise AssertionError("the copy gives neither its own output nor that of the original")
