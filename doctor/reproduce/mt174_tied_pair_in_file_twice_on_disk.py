"""MT174: a tied pair of which the file holds both names cannot be loaded with one of them on disk."""

import os

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "both-on-disk": "tied GPT-2, both names in the file, embedding and head on disk",
    "head-on-disk": "the same, the head alone on disk",
    "control": "the same, both on the CPU and a layer on disk",
}
_PLACES = {"both-on-disk": ("disk", "disk"), "head-on-disk": ("cpu", "disk"), "control": ("cpu", "cpu")}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from safetensors.torch import save_file
    from transformers import GPT2LMHeadModel

    if not _causal.takes_device_map() or not _tiny.has_safetensors():
        return not_applicable("this release has no device_map, or safetensors is not installed")
    torch.manual_seed(0)
    model = GPT2LMHeadModel(_tiny.gpt2_config())
    path = os.path.join(workdir, "model")
    os.makedirs(path)
    model.config.save_pretrained(path)
    state = {name: tensor.clone().contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    embedding, head = _PLACES[shape]
    places = {
        "transformer.wte": embedding, "transformer.wpe": "cpu", "transformer.h.0": "cpu", "transformer.h.1": "disk",
        "transformer.ln_f": "cpu", "lm_head": head,
    }  # fmt: skip
    try:
        loaded = GPT2LMHeadModel.from_pretrained(path, device_map=places, offload_folder=_causal.offload_folder(workdir))
    except (NotImplementedError, RuntimeError) as error:
        if "aten::equal" in str(error):
            return reproduced(_tiny.first_line(error)[:80])
        raise
    found = dict(_tiny.named_tensors(loaded))
    wrong = [name for name, tensor in state.items() if found[name].device.type != "meta" and not torch.equal(found[name], tensor)]
    left = [name for name in _tiny.on_meta(loaded) if not name.startswith(("transformer.h.1.", "transformer.wte", "lm_head"))]
    if wrong or left:
        raise AssertionError("loaded, but not as in the file: " + ", ".join(wrong + left))
    return not_reproduced("loaded, and what is not on disk is as in the file")
