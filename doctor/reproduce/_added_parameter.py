"""A model of one's own with a parameter more than the file it is loaded from."""

from typing import Any, List

import _tiny

SIZE = 40


def lost(path: str, **options: Any) -> List[str]:
    """What became of the parameter in a load of the checkpoint at `path`; empty where it has the value given in __init__."""
    import torch
    from torch import nn
    from transformers import LlamaForCausalLM

    class WithScale(LlamaForCausalLM):
        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.scale = nn.Parameter(torch.full((SIZE,), 3.0))
            self.post_init()
            _tiny.dirty_memory((SIZE,))

    expected = dict(_tiny.reference_state(path), scale=torch.full((SIZE,), 3.0))
    wrong = _tiny.differences(WithScale.from_pretrained(path, **options), expected)
    if any(not each.startswith("scale ") for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return wrong
