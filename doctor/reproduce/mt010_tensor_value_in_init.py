"""MT010: a model whose __init__ reads the value of any tensor cannot be loaded."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    class ReadsATensor(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.scale = nn.Parameter(torch.full((1,), 0.5))
            self.largest = int(torch.arange(3).max())
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    path = _tiny.saved(ReadsATensor, _tiny.llama_config(), os.path.join(workdir, "model"))
    reference = _tiny.reference_state(path)
    try:
        model = ReadsATensor.from_pretrained(path)
    except RuntimeError as error:
        if _tiny.is_value_error_on_meta(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("loaded; the parameter is as in the reference")
