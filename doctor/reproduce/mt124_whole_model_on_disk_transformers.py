"""MT124: from_pretrained with a device_map that sends the whole model to disk fails although accelerate allows it."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "every-module": 'safetensors, untied, the map names every module, each on "disk"',
    "one-entry": 'safetensors, untied, the map is {"": "disk"}',
}

FAILURES = ("device disk is invalid", "device meta", "meta device", "meta tensor", "unknown device type for autocast")


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM

    if _tiny.release("accelerate") < (1, 15):
        return not_applicable("accelerate before 1.15.0 refuses every such map itself, MT070")
    path = _tiny.saved_llama(workdir)
    tokens = torch.tensor([[1, 5, 6, 7]])
    expected = LlamaForCausalLM.from_pretrained(path).eval()(input_ids=tokens).logits
    places = {"": "disk"} if shape == "one-entry" else dict.fromkeys(_tiny.LAYER_ON_DISK, "disk")
    try:
        model = LlamaForCausalLM.from_pretrained(path, device_map=places, offload_folder=os.path.join(workdir, "offload"))
        logits = model.eval()(input_ids=tokens).logits.cpu()
    except Exception as error:
        if any(said in str(error) for said in FAILURES):
            return reproduced(_tiny.first_line(error)[:160])
        raise
    if not torch.equal(logits, expected):
        raise AssertionError("no error, but the logits differ")
    return not_reproduced("logits as without a device_map")
