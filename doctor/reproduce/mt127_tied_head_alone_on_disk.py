"""MT127: the forward pass of a tied model with its head alone on disk fails with KeyError."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

MAP = dict(_tiny.LAYER_ON_DISK, **{"model.layers.1": "cpu", "lm_head": "disk"})
SHAPES = {"head-alone": "tied Llama, one safetensors file that holds the embedding, the head on disk, the embedding on the CPU"}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir, tie_word_embeddings=True)
    tokens = torch.tensor([[1, 5, 6, 7]])
    expected = LlamaForCausalLM.from_pretrained(path).eval()(input_ids=tokens).logits
    try:
        model = LlamaForCausalLM.from_pretrained(path, device_map=MAP, offload_folder=os.path.join(workdir, "offload"))
        logits = model.eval()(input_ids=tokens).logits
    except KeyError as error:
        if error.args == ("lm_head.weight",):
            return reproduced("KeyError: 'lm_head.weight'")
        if error.args == ("cpu",):
            return not_applicable("this accelerate fails first with tied weights on disk: KeyError: 'cpu'")
        raise
    if not torch.equal(logits, expected):
        raise AssertionError("forward done, but the logits differ")
    return not_reproduced("logits as without a device_map")
