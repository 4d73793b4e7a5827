"""MT016: a non-persistent buffer computed in __init__ holds uninitialised memory after from_pretrained."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SIZE = 40


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    class WithTable(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.part = nn.Linear(config.hidden_size, config.hidden_size)
            self.register_buffer("table", torch.arange(SIZE).float() + 0.5, persistent=False)
            self.post_init()
            _tiny.dirty_memory((SIZE,))

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    path = _tiny.saved(WithTable, _tiny.llama_config(), os.path.join(workdir, "model"))
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(WithTable.from_pretrained(path), reference)
    if any(not each.startswith("table differs") for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    if wrong:
        return reproduced("without an error, " + wrong[0])
    return not_reproduced("the buffer has the values computed in __init__")
