"""MT082: load_state_dict into a model on meta does nothing."""

import warnings

import _tiny
from _harness import Verdict, not_reproduced, reproduced

WARNING = "copying from a non-meta parameter in the checkpoint to a meta parameter"


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn

    original = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN)
    model = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN, device="meta")
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
