"""MT177: a new layer that _init_weights makes orthogonal cannot be loaded in half precision."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "bfloat16": "BERT in bfloat16, a layer more than the file has, drawn by torch.nn.init.orthogonal_",
    "float16": "the same in float16",
    "control": "the same in float32",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from torch import nn
    from transformers import BertModel

    class Longer(BertModel):
        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.extra = nn.Linear(8, 8)
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            if module is getattr(self, "extra", None):
                nn.init.orthogonal_(module.weight)
                nn.init.zeros_(module.bias)
            else:
                super()._init_weights(module)

    path = _tiny.saved_bert(workdir)
    dtype = torch.float32 if shape == "control" else getattr(torch, shape)
    try:
        model = Longer.from_pretrained(path, torch_dtype=dtype)
    except (NotImplementedError, RuntimeError) as error:
        if "geqrf" in str(error):
            return reproduced(_tiny.first_line(error)[:80])
        raise
    weight = model.extra.weight.float()
    if model.dtype != dtype or not torch.allclose(weight @ weight.T, torch.eye(8), atol=0.05):
        raise AssertionError("loaded, but the layer is not orthogonal, or of another dtype")
    return not_reproduced("loaded, and the layer is orthogonal")
