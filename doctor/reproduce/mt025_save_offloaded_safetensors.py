"""MT025: save_pretrained of a model with a layer on disk fails when it writes safetensors."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from transformers import LlamaForCausalLM

    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")
    path = _tiny.saved_llama(workdir)
    model = LlamaForCausalLM.from_pretrained(path, device_map=_tiny.LAYER_ON_DISK, offload_folder=os.path.join(workdir, "offload"))
    saved = os.path.join(workdir, "saved")
    try:
        model.save_pretrained(saved, safe_serialization=True)
    except (NotImplementedError, RuntimeError) as error:
        if _tiny.is_meta_error(error) or "The weights trying to be saved contained shared tensors" in str(error):
            return reproduced(_tiny.first_line(error)[:200])
        raise
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(LlamaForCausalLM.from_pretrained(saved), reference)
    if wrong:
        raise AssertionError("saved, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("the saved model has all %d tensors as in the reference" % len(reference))
