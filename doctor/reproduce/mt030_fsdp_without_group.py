"""MT030: with ACCELERATE_USE_FSDP set and no process group from_pretrained returns garbage weights."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(LlamaForCausalLM.from_pretrained(path), reference)
    if wrong:
        raise AssertionError("wrong without the variable: " + _tiny.summary(wrong))
    os.environ["ACCELERATE_USE_FSDP"] = "true"
    _tiny.dirty_memory(*{tuple(tensor.shape) for tensor in reference.values()})
    wrong = _tiny.differences(LlamaForCausalLM.from_pretrained(path), reference)
    if any(" is on meta" in each or " is gone" in each for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    if wrong:
        return reproduced("without an error, " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
