"""MT191: transformers 4.52.1 to 4.52.3 calls torch.get_default_device(), which torch before 2.3 does not have."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from safetensors.torch import save_file
    from transformers import LlamaForCausalLM

    saved = LlamaForCausalLM(_tiny.llama_config())
    path = os.path.join(workdir, "llama")
    saved.config.save_pretrained(path)
    # Not save_pretrained: with such a torch these releases cannot save either (MT194).
    save_file(saved.state_dict(), os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    try:
        model = LlamaForCausalLM.from_pretrained(path)
    except AttributeError as error:
        if "module 'torch' has no attribute 'get_default_device'" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, saved.state_dict())
    if wrong:
        raise AssertionError("loaded, but " + _tiny.summary(wrong))
    has = "has" if hasattr(torch, "get_default_device") else "lacks"
    return not_reproduced("loaded with a torch that %s get_default_device, all tensors equal" % has)
