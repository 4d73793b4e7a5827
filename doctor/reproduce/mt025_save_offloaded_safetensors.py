"""MT025: save_pretrained of a model with a layer on disk fails when it writes safetensors."""

import inspect
import os

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "one-file": "untied Llama, a layer on disk, saved into one file",
    "sharded": "untied Llama, a layer on disk, saved into several files",
    "gpt2": "untied GPT-2, a layer on disk, saved into one file",
    "gpt2-sharded": "untied GPT-2, a layer on disk, saved into several files",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import PreTrainedModel

    if not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    if _tiny.release() < (5, 0) and "safe_serialization" not in inspect.signature(PreTrainedModel.save_pretrained).parameters:
        return not_applicable("this release writes no safetensors")
    name = "gpt2" if shape.startswith("gpt2") else "llama"
    model_class, path = _causal.saved(workdir, name)
    if model_class is None:
        return not_applicable("this release has no Llama")
    model = _causal.with_layer_on_disk(model_class, path, name, workdir)
    saved = os.path.join(workdir, "saved")
    size = "20KB" if shape.endswith("sharded") else "5GB"
    try:
        model.save_pretrained(saved, safe_serialization=True, max_shard_size=size)
        wrong = _tiny.differences(model_class.from_pretrained(saved), _tiny.reference_state(path))
    except Exception as error:
        if isinstance(error, (KeyError, NameError, NotImplementedError, RuntimeError, OSError)):
            return reproduced(_tiny.first_line(error)[:120])
        raise
    if wrong:
        return reproduced("saved, but " + _tiny.summary(wrong))
    return not_reproduced("the saved model has all tensors as in the reference")
