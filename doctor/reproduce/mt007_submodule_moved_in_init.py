"""MT007: a model whose __init__ moves a sub-module with .to(device) cannot be loaded."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    class MovesItsPart(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.part = nn.Linear(config.hidden_size, config.hidden_size).to("cpu")
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    path = _tiny.saved(MovesItsPart, _tiny.llama_config(), os.path.join(workdir, "model"))
    reference = _tiny.reference_state(path)
    try:
        model = MovesItsPart.from_pretrained(path)
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
