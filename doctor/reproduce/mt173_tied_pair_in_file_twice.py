"""MT173: a file that holds one tensor under both names of a tied pair, as every .bin does, is loaded untied."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "bin": "tied GPT-2, its whole state dict in a .bin file",
    "safetensors": "tied GPT-2, both names in a safetensors file",
    "control": "tied GPT-2, a safetensors file with one of the names",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from safetensors.torch import save_file
    from transformers import GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(_tiny.gpt2_config())
    path = os.path.join(workdir, "model")
    os.makedirs(path)
    model.config.save_pretrained(path)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if shape == "control":
        del state["lm_head.weight"]
    if shape == "bin":
        torch.save(model.state_dict(), os.path.join(path, "pytorch_model.bin"))
    else:
        save_file(state, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    loaded = GPT2LMHeadModel.from_pretrained(path)
    left = _tiny.on_meta(loaded)
    if left:
        raise AssertionError("on meta: " + ", ".join(left))
    if loaded.lm_head.weight is loaded.transformer.wte.weight:
        return not_reproduced("the head and the embedding are one parameter")
    return reproduced("without an error, the head and the embedding are two parameters")
