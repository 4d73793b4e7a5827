"""MT034: Trainer refuses a model with layers offloaded to CPU or disk."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "layer-on-disk": "untied Llama, a layer on disk, the Trainer made and one step trained",
    "layer-on-cpu": "untied Llama, a layer on the CPU beside a device that counts as a GPU",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM, Trainer, TrainingArguments

    path = _tiny.saved_llama(workdir)
    # It counts as a GPU: it is not the text "cpu". Old releases fail in another way where a map names none.
    device = torch.device("cpu") if shape == "layer-on-cpu" or _tiny.release() < (4, 32) else "cpu"
    away = "cpu" if shape == "layer-on-cpu" else "disk"
    places = {name: away if place == "disk" else device for name, place in _tiny.LAYER_ON_DISK.items()}
    model = LlamaForCausalLM.from_pretrained(path, device_map=places, offload_folder=os.path.join(workdir, "offload"))
    left = len(_tiny.on_meta(model))
    arguments = TrainingArguments(
        output_dir=os.path.join(workdir, "out"), report_to=[], max_steps=1, save_strategy="no", logging_strategy="no"
    )  # fmt: skip
    row = {"input_ids": [1, 5, 6, 2], "labels": [1, 5, 6, 2]}
    try:
        Trainer(model=model, args=arguments, train_dataset=[row] * 8).train()
    except (RuntimeError, NotImplementedError) as error:
        if "You can't move a model that has some modules offloaded" in str(error) or _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    return not_reproduced("a step is trained, with %d tensors of the model on meta before" % left)
