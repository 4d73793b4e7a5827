"""MT008: a model whose __init__ reads a parameter's value cannot be loaded."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    class ReadsItsParameter(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.scale = nn.Parameter(torch.full((1,), 0.5))
            self.start = self.scale.item()
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    path = _tiny.saved(ReadsItsParameter, _tiny.llama_config(), os.path.join(workdir, "model"))
    reference = _tiny.reference_state(path)
    try:
        model = ReadsItsParameter.from_pretrained(path)
    except RuntimeError as error:
        if _tiny.is_value_error_on_meta(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("loaded; the parameter is as in the reference")
