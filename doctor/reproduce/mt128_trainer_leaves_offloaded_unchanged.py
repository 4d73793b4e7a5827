"""MT128: Trainer trains a model with a layer on disk and leaves that layer unchanged."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "layer-on-disk": "untied Llama, a layer on disk, one step",
    "control": "the same without a device_map",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM, Trainer, TrainingArguments

    path = _tiny.saved_llama(workdir)
    before = _tiny.reference_state(path)
    offload = {"device_map": _tiny.LAYER_ON_DISK, "offload_folder": os.path.join(workdir, "offload")}
    model = LlamaForCausalLM.from_pretrained(path, **({} if shape == "control" else offload))
    arguments = TrainingArguments(
        output_dir=os.path.join(workdir, "out"), report_to=[], max_steps=1, learning_rate=0.1, save_strategy="no", logging_strategy="no"
    )
    row = {"input_ids": [1, 5, 6, 2], "labels": [1, 5, 6, 2]}
    try:
        Trainer(model=model, args=arguments, train_dataset=[row] * 8).train()
    except (RuntimeError, NotImplementedError, IndexError) as error:
        return not_reproduced("not silent: " + _tiny.first_line(error)[:120])
    after = dict(_tiny.named_tensors(model))
    name = "model.layers.1.mlp.up_proj.weight"
    if after["model.layers.0.mlp.up_proj.weight"].detach().equal(before["model.layers.0.mlp.up_proj.weight"]):
        raise AssertionError("the layer that is not on disk did not change either")
    value = after[name]
    if value.device.type == "meta":
        hook = model.model.layers[1].mlp.up_proj._hf_hook
        value = hook.weights_map["weight"]
    if torch.equal(value.detach().cpu(), before[name]):
        return reproduced("no error; the layer on disk has the values it had before the training")
    return not_reproduced("every layer has changed")
