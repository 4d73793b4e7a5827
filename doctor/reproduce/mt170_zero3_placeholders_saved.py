"""MT170: a checkpoint that was saved under ZeRO-3 without gathering holds tensors of shape [0]."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "from-pretrained": "untied Llama, one safetensors file in which every tensor is of shape [0], from_pretrained",
    "load-state-dict": "the same, load_state_dict",
    "ignored": "the same, from_pretrained(ignore_mismatched_sizes=True)",
    "control": "a whole file, from_pretrained",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import LlamaForCausalLM

    path = os.path.join(workdir, "llama")
    _tiny.saved(LlamaForCausalLM, _tiny.llama_config(), path, safe_serialization=True)
    file = os.path.join(path, "model.safetensors")
    if shape != "control":
        save_file({name: torch.empty(0) for name in load_file(file)}, file, metadata={"format": "pt"})
    try:
        if shape == "load-state-dict":
            model = LlamaForCausalLM(_tiny.llama_config())
            model.load_state_dict(load_file(file))
        else:
            model = LlamaForCausalLM.from_pretrained(path, ignore_mismatched_sizes=shape == "ignored")
    except (RuntimeError, ValueError) as error:
        if "torch.Size([0])" in str(error) or "ignore_mismatched_sizes" in str(error):
            return reproduced(_tiny.first_line(error)[:160])
        raise
    reference = {name: tensor for name, tensor in _tiny.reference_state(path).items() if "weight" in name}
    wrong = _tiny.differences(model, reference)
    if wrong:
        return reproduced("without an error, %d of %d weights are new" % (len(wrong), len(reference)))
    return not_reproduced("all %d weights as in the file" % len(reference))
