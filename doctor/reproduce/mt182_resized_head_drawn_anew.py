"""MT182: post_init() or init_weights() after resize_token_embeddings draws a loaded head anew."""

import os

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "post-init": "untied GPT-2, loaded, resized, post_init() called",
    "init-weights": "the same with init_weights()",
    "control": "the same with post_init() before it is resized",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    model_class, path = _causal.saved(workdir, "gpt2")
    if model_class is None:
        return not_applicable("this release has no such model")
    model = model_class.from_pretrained(path)
    loaded = torch.load(os.path.join(path, "reference.pt"))["lm_head.weight"]
    if shape == "control":
        model.post_init()
    model.resize_token_embeddings(_tiny.VOCABULARY + 16)
    if shape == "post-init":
        model.post_init()
    if shape == "init-weights":
        model.init_weights()
    head = model.lm_head.weight.detach()[: _tiny.VOCABULARY]
    if torch.equal(head, loaded):
        return not_reproduced("the rows of the head that were loaded are there")
    return reproduced("without an error, %d of %d rows of the loaded head are drawn anew" % (int((head != loaded).any(1).sum()), len(head)))
