"""MT191: transformers 4.52.1 to 4.52.3 calls torch.get_default_device(), which torch before 2.3 does not have."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    try:
        model = LlamaForCausalLM.from_pretrained(path)
    except AttributeError as error:
        if "module 'torch' has no attribute 'get_default_device'" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    if wrong:
        raise AssertionError("loaded, but " + _tiny.summary(wrong))
    has = "has" if hasattr(torch, "get_default_device") else "lacks"
    return not_reproduced("loaded with a torch that %s get_default_device, all tensors equal" % has)
