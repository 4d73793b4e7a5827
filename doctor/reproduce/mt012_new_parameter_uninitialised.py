"""MT012: an added nn.Parameter that the checkpoint lacks comes back as uninitialised memory.

Loads without options first, then with low_cpu_mem_usage=True, which sets it off before 4.51.0 too.
"""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SIZE = 40


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn
    from transformers import LlamaForCausalLM

    class WithScale(LlamaForCausalLM):
        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.scale = nn.Parameter(torch.full((SIZE,), 3.0))
            self.post_init()
            _tiny.dirty_memory((SIZE,))

    path = _tiny.saved_llama(workdir)
    expected = dict(_tiny.reference_state(path), scale=torch.full((SIZE,), 3.0))
    for options in ({}, {"low_cpu_mem_usage": True}):  # type: Dict[str, Any]
        wrong = _tiny.differences(WithScale.from_pretrained(path, **options), expected)
        if wrong == ["scale is on meta"]:
            return not_applicable("this release leaves the parameter on meta: MT022")
        if any(not each.startswith("scale differs") for each in wrong):
            raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
        if wrong:
            return reproduced("%s: %s" % ("low_cpu_mem_usage=True" if options else "plain load", wrong[0]))
    return not_reproduced("the parameter has the value given in __init__")
