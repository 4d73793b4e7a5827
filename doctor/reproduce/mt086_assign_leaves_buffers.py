"""MT086: a model built under torch.device("meta") still has buffers on meta after load_state_dict(assign=True)."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM

    if _tiny.release("torch") < (2, 1):
        return not_applicable("load_state_dict has no assign before torch 2.1.0")
    original = LlamaForCausalLM(_tiny.llama_config())
    with torch.device("meta"):
        model = LlamaForCausalLM(_tiny.llama_config())
    model.load_state_dict(original.state_dict(), assign=True)
    left = _tiny.on_meta(model)
    try:
        model.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error) and left and all(name in dict(model.named_buffers()) for name in left):
            return reproduced("%s on meta; %s" % (", ".join(left), _tiny.first_line(error)))
        raise
    wrong = _tiny.differences(model, dict(_tiny.named_tensors(original)))
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return not_reproduced("all tensors as in the original")
