"""MT011: weights loaded with load_state_dict inside __init__ are lost when the main checkpoint does not hold them."""

import os
from typing import Any, Dict

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    tower_state: Dict[str, Any] = {"weight": torch.full((_tiny.HIDDEN, _tiny.HIDDEN), 0.25), "bias": torch.full((_tiny.HIDDEN,), 0.75)}

    class LoadsItsTower(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.body = nn.Linear(config.hidden_size, config.hidden_size)
            self.tower = nn.Linear(config.hidden_size, config.hidden_size)
            self.tower.load_state_dict(tower_state)
            self.post_init()
            _tiny.dirty_memory((config.hidden_size, config.hidden_size), (config.hidden_size,))

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    model = LoadsItsTower(_tiny.llama_config())
    path = os.path.join(workdir, "model")
    model.save_pretrained(path, state_dict={name: tensor for name, tensor in model.state_dict().items() if name.startswith("body.")})
    loaded = LoadsItsTower.from_pretrained(path)
    wrong = _tiny.differences(loaded, {"body." + name: tensor.detach() for name, tensor in model.body.named_parameters()})
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    wrong = _tiny.differences(loaded.tower, tower_state)
    if wrong:
        return reproduced("without an error, tower." + _tiny.summary(wrong))
    return not_reproduced("the sub-module has the weights that __init__ loaded")
