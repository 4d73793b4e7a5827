"""MT018: loaded weights are overwritten by a custom _init_weights that writes in place."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    class InitialisesInPlace(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.part = nn.Linear(config.hidden_size, config.hidden_size)
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            if isinstance(module, nn.Linear):
                module.weight.data.normal_(mean=0.0, std=0.02)

    model = InitialisesInPlace(_tiny.llama_config())
    with torch.no_grad():
        model.part.weight.fill_(0.5)
    path = os.path.join(workdir, "model")
    model.save_pretrained(path)
    _tiny.keep_reference(path, model)
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(InitialisesInPlace.from_pretrained(path), reference)
    if any(not each.startswith("part.weight differs") for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    if wrong:
        return reproduced("without an error, " + wrong[0])
    return not_reproduced("all %d tensors as in the reference" % len(reference))
