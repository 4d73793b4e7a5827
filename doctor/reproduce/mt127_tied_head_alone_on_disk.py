"""MT127: the forward pass of a tied model with its head alone on disk fails with KeyError."""

import _causal
import _split_tie
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "head-alone": "tied Llama, one safetensors file that holds the embedding, the head on disk, the embedding on the CPU",
    "gpt2-head-alone": "GPT-2, the same; the head's name sorts first",
    "control": "GPT-2, the same file, both on the CPU",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    import transformers

    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")
    if not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    if shape == "head-alone" and _tiny.release() < (4, 28):
        return not_applicable("this release has no Llama")
    model_class = transformers.LlamaForCausalLM if shape == "head-alone" else transformers.GPT2LMHeadModel
    head = "cpu" if shape == "control" else "disk"
    path, places = (_split_tie.llama if shape == "head-alone" else _split_tie.gpt2)(workdir, embed="cpu", head=head)
    _causal.offload_folder(workdir)
    expected = _split_tie.logits(model_class.from_pretrained(path))
    try:
        found = _split_tie.logits(_split_tie.loaded(model_class, path, places, workdir))
    except KeyError as error:
        if error.args == ("lm_head.weight",):
            return reproduced("KeyError: 'lm_head.weight'")
        raise
    except RuntimeError as error:
        said = ("is not on the expected device meta", "found at least two devices, meta and cpu")
        if any(each in str(error) for each in said) or _tiny.is_value_error_on_meta(error):
            return reproduced(_tiny.first_line(error))
        raise
    if found.is_meta:
        return reproduced("no error, but the logits are on meta")
    if not torch.equal(found, expected):
        return reproduced("no error, but the logits differ from those without a device_map")
    return not_reproduced("logits as without a device_map")
