"""MT127: the forward pass of a tied model with its head alone on disk fails with KeyError."""

import _split_tie
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "head-alone": "tied Llama, one safetensors file that holds the embedding, the head on disk, the embedding on the CPU",
    "gpt2-head-alone": "GPT-2, the same; the head's name sorts first",
    "control": "tied Llama, the same file, both on the CPU",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    import transformers

    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")
    model_class = transformers.GPT2LMHeadModel if shape == "gpt2-head-alone" else transformers.LlamaForCausalLM
    head = "cpu" if shape == "control" else "disk"
    path, places = (_split_tie.gpt2 if shape == "gpt2-head-alone" else _split_tie.llama)(workdir, embed="cpu", head=head)
    expected = _split_tie.logits(model_class.from_pretrained(path))
    try:
        found = _split_tie.logits(_split_tie.loaded(model_class, path, places, workdir))
    except KeyError as error:
        if error.args == ("lm_head.weight",):
            return reproduced("KeyError: 'lm_head.weight'")
        raise
    except RuntimeError as error:
        if "is not on the expected device meta" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    if found.is_meta:
        return reproduced("no error, but the logits are on meta")
    if not torch.equal(found, expected):
        return reproduced("no error, but the logits differ from those without a device_map")
    return not_reproduced("logits as without a device_map")
