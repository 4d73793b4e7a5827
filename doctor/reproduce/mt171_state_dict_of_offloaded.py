"""MT171: the state dict of an offloaded model holds placeholders, and torch.save writes them without a word."""

import os

import _dispatch
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "last-layer": "accelerate alone, the last layer on disk, torch.save of the state dict",
    "first-layer": "the same, the first layer on disk",
    "control": "the same layers, never offloaded",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights

    original = _offload.fill(_offload.stack())
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.stack()
    on_disk = {"last-layer": "b", "first-layer": "a"}.get(shape)
    places = {name: "disk" if name == on_disk else "cpu" for name in ("a", "m", "b")}
    if shape == "control":
        model = original
    else:
        _dispatch.load_and_dispatch(model, path, places, _offload.folder(workdir))
    file = os.path.join(workdir, "state.pt")
    torch.save(model.state_dict(), file)
    state = torch.load(file)
    left = [name for name, tensor in state.items() if tensor.device.type == "meta"]
    if left:
        return reproduced("without an error, the file holds no values of " + ", ".join(left))
    wrong = [name for name, tensor in original.state_dict().items() if not torch.equal(state[name], tensor)]
    if wrong:
        raise AssertionError("the file holds other values of " + ", ".join(wrong))
    return not_reproduced("all %d tensors of the file equal the model's" % len(state))
