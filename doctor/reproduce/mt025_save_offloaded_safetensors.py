"""MT025: save_pretrained of a model with a layer on disk fails when it writes safetensors."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "one-file": "untied Llama, a layer on disk, saved into one file",
    "sharded": "untied Llama, a layer on disk, saved into several files",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    model = LlamaForCausalLM.from_pretrained(path, device_map=_tiny.LAYER_ON_DISK, offload_folder=os.path.join(workdir, "offload"))
    saved = os.path.join(workdir, "saved")
    size = "20KB" if shape == "sharded" else "5GB"
    try:
        model.save_pretrained(saved, safe_serialization=True, max_shard_size=size)
        wrong = _tiny.differences(LlamaForCausalLM.from_pretrained(saved), _tiny.reference_state(path))
    except Exception as error:
        if isinstance(error, (KeyError, NameError, NotImplementedError, RuntimeError, OSError)):
            return reproduced(_tiny.first_line(error)[:120])
        raise
    if wrong:
        return reproduced("saved, but " + _tiny.summary(wrong))
    return not_reproduced("the saved model has all tensors as in the reference")
