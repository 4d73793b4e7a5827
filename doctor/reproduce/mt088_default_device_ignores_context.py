"""MT088: torch.get_default_device() does not see `with torch.device(...)`."""

from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "meta": 'torch alone, get_default_device() inside with torch.device("meta")',
    "nested": 'the same inside with torch.device("meta") inside with torch.device("cpu")',
    "control": 'the same after torch.set_default_device("meta")',
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    if not hasattr(torch, "get_default_device"):
        return not_applicable("torch %s has no get_default_device" % torch.__version__)
    if shape == "control":
        torch.set_default_device("meta")
        said, made = torch.get_default_device(), torch.empty(0).device
        torch.set_default_device("cpu")
    elif shape == "nested":
        with torch.device("cpu"), torch.device("meta"):
            said, made = torch.get_default_device(), torch.empty(0).device
    else:
        with torch.device("meta"):
            said, made = torch.get_default_device(), torch.empty(0).device
    if made.type != "meta":
        raise AssertionError("tensors are made on %s" % made)
    if said != made:
        return reproduced("get_default_device() says %s, and tensors are made on %s" % (said, made))
    return not_reproduced("get_default_device() says %s, where tensors are made" % said)
