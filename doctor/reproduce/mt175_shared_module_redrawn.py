"""MT175: a module that the constructor keeps under two names is drawn anew after it was loaded."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "embedding": "a class of one's own with one nn.Embedding under two names, of which the file holds one",
    "layer": "the same with one nn.Linear",
    "control": "an nn.Embedding under one name",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from safetensors.torch import save_file
    from torch import nn
    from transformers import PretrainedConfig, PreTrainedModel

    class OwnConfig(PretrainedConfig):
        model_type = "of_my_own"

    class Own(PreTrainedModel):
        config_class = OwnConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.first = nn.Linear(8, 8) if shape == "layer" else nn.Embedding(16, 8)
            self.second = nn.Module()
            if shape != "control":
                self.second.part = self.first
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)

    path = os.path.join(workdir, "own")
    os.makedirs(path)
    OwnConfig().save_pretrained(path)
    torch.manual_seed(0)
    own = Own(OwnConfig())
    state = {name: torch.randn_like(tensor) for name, tensor in own.state_dict().items() if name.startswith("first.")}
    save_file(state, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    wrong = _tiny.differences(Own.from_pretrained(path), state)
    if wrong:
        return reproduced("without an error, " + wrong[0])
    return not_reproduced("it holds what the file holds")
