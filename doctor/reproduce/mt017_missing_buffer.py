"""MT017: a persistent buffer that an older checkpoint lacks comes back as uninitialised memory."""

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
            self.register_buffer("table", torch.arange(SIZE).float() + 0.5)
            self.post_init()
            _tiny.dirty_memory((SIZE,))

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    path = os.path.join(workdir, "model")
    model = WithTable(_tiny.llama_config())
    model.save_pretrained(path, state_dict={name: tensor for name, tensor in model.state_dict().items() if name != "table"})
    _tiny.keep_reference(path, model)
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(WithTable.from_pretrained(path), reference)
    if any(not each.startswith("table differs") for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    if wrong:
        return reproduced("without an error, " + wrong[0])
    return not_reproduced("the buffer has the values computed in __init__")
