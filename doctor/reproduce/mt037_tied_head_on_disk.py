"""MT037: the forward pass of a model with a tied lm_head and its embedding on disk fails with KeyError.

Some releases of accelerate fail before with a KeyError of their own (MT050); there the weight is looked up as the hook would.
"""

import _causal
import _split_tie
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "llama": "tied Llama, one safetensors file, embedding and head on disk",
    "gpt2": "GPT-2, the same; the head's name sorts first",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    import transformers

    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")
    if not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    if shape == "llama" and _tiny.release() < (4, 28):
        return not_applicable("this release has no Llama")
    model_class = transformers.LlamaForCausalLM if shape == "llama" else transformers.GPT2LMHeadModel
    path, places = (_split_tie.llama if shape == "llama" else _split_tie.gpt2)(workdir, embed="disk", head="disk")
    _causal.offload_folder(workdir)
    expected = _split_tie.logits(model_class.from_pretrained(path))
    model = _split_tie.loaded(model_class, path, places, workdir)
    try:
        found = _split_tie.logits(model)
    except KeyError as error:
        if error.args == ("lm_head.weight",):
            return reproduced("KeyError: 'lm_head.weight'")
        if error.args == ("cpu",) and _split_tie.missing_from_index(model.lm_head):
            return reproduced("KeyError: 'lm_head.weight' of the offloaded weights; in the forward the KeyError of MT050 comes first")
        if error.args == ("cpu",):
            return not_reproduced("the weight is found under its name; the forward fails with the KeyError of MT050")
        raise
    if not torch.equal(found, expected):
        raise AssertionError("forward done, but the logits differ")
    return not_reproduced("logits as without a device_map")
