"""A model of one's own whose _init_weights writes in place, loaded from files complete or not."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def loaded(workdir: str, shape: str) -> Verdict:
    """Whether the loaded weight of a layer survives; in the shape `missing-bias` the file lacks the bias of that layer."""
    import torch
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    class InitialisesInPlace(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config, bias=True):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.part = nn.Linear(config.hidden_size, config.hidden_size, bias=bias)
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            if isinstance(module, nn.Linear):
                module.weight.data.normal_(mean=0.0, std=0.02)

    config = _tiny.llama_config()
    model = InitialisesInPlace(config, bias=shape == "complete-with-bias")
    with torch.no_grad():
        model.part.weight.fill_(0.5)
    path = os.path.join(workdir, "model")
    model.save_pretrained(path)
    found = InitialisesInPlace.from_pretrained(path, bias=shape != "complete").part.weight
    if found.device.type == "meta":
        raise AssertionError("part.weight is on meta")
    if not bool((found == 0.5).all()):
        return reproduced("without an error, part.weight is not that of the file")
    return not_reproduced("part.weight as in the file")
