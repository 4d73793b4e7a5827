"""MT082: load_state_dict into a model on meta does nothing."""

import warnings

import _tiny
from _harness import Verdict, not_reproduced, reproduced

WARNING = "copying from a non-meta parameter in the checkpoint to a meta parameter"

SHAPES = {
    "layer": "torch alone, one layer on meta",
    "device-context": 'the same, built under torch.device("meta")',
    "control": "the same, on the CPU",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from torch import nn

    original = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN)
    if shape == "device-context":
        with torch.device("meta"):
            model = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN)
    else:
        model = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN, device="cpu" if shape == "control" else "meta")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        keys = model.load_state_dict(original.state_dict())
    if keys.missing_keys or keys.unexpected_keys:
        raise AssertionError("keys did not match: %s" % (keys,))
    if _tiny.on_meta(model) == ["weight", "bias"]:
        said = [str(each.message) for each in caught if WARNING in str(each.message)]
        return reproduced("all keys matched, both parameters still on meta, %d warnings" % len(said))
    wrong = _tiny.differences(model, original.state_dict())
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return not_reproduced("both parameters as in the state dict (torch %s)" % torch.__version__)
