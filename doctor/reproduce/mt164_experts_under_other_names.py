"""MT164: what transformers 5 writes of a mixture of experts has other names than the model: loaders by name leave the experts out."""

import os

import _experts
import _offload
import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "state-dict": "Mixtral, the saved safetensors file, load_state_dict(strict=False)",
    "load-checkpoint": "Mixtral on meta, the saved safetensors file, load_checkpoint_in_model of accelerate",
    "control": "the same file loaded by from_pretrained",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from accelerate import init_empty_weights, load_checkpoint_in_model
    from safetensors.torch import load_file

    model_class, config, path = _experts.saved(workdir)
    if shape == "control":
        model = model_class.from_pretrained(path)
    elif shape == "state-dict":
        model = model_class(config)
        model.load_state_dict(load_file(os.path.join(path, "model.safetensors")), strict=False)
    else:
        with init_empty_weights():
            model = model_class(config)
        load_checkpoint_in_model(model, os.path.join(path, "model.safetensors"), device_map={"": "cpu"})
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    if wrong and any("experts" in each for each in wrong):
        return reproduced("without an error, %s" % _tiny.summary(wrong))
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return not_reproduced("all tensors as in the file; %d on meta" % len(_offload.on_meta(model)))
