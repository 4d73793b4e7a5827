"""MT037: the forward pass of a model with a tied lm_head on disk fails with KeyError."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

MAP = dict(_tiny.LAYER_ON_DISK, **{"model.layers.1": "cpu", "model.embed_tokens": "disk", "lm_head": "disk"})


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM

    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")
    config = _tiny.llama_config(tie_word_embeddings=True)
    path = _tiny.saved(LlamaForCausalLM, config, os.path.join(workdir, "llama"), safe_serialization=True)
    tokens = torch.tensor([[1, 5, 6, 7]])
    expected = LlamaForCausalLM.from_pretrained(path).eval()(input_ids=tokens).logits
    model = LlamaForCausalLM.from_pretrained(path, device_map=MAP, offload_folder=os.path.join(workdir, "offload"))
    try:
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
