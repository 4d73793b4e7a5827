"""MT176: weights that the constructor of a class makes one come apart in from_pretrained, and the second is drawn anew."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "plain": "a class of one's own whose constructor sets head.weight = embedding.weight, one name in the file",
    "control": "the same, tied by a tie_weights() of its own as well",
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
            self.embedding = nn.Embedding(16, 8)
            self.head = nn.Linear(8, 16, bias=False)
            self.head.weight = self.embedding.weight
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)

    def tie_weights(self, *_, **__):  # type: ignore[no-untyped-def]
        self.head.weight = self.embedding.weight

    if shape == "control":
        Own.tie_weights = tie_weights
    path = os.path.join(workdir, "own")
    os.makedirs(path)
    OwnConfig().save_pretrained(path)
    torch.manual_seed(0)
    weight = torch.randn(16, 8)
    save_file({"embedding.weight": weight}, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    model = Own.from_pretrained(path)
    if not torch.equal(model.embedding.weight, weight):
        raise AssertionError("the embedding is not what the file holds")
    if model.head.weight is model.embedding.weight:
        return not_reproduced("the head and the embedding are one parameter, as in the file")
    wrong = _tiny.differences(model, {"head.weight": weight})
    if not wrong:
        raise AssertionError("two parameters, of the same values")
    return reproduced("without an error, " + wrong[0])
