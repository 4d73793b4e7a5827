"""MT034: Trainer refuses a model with layers offloaded to CPU or disk."""

import os

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "layer-on-disk": "untied Llama, a layer on disk, the Trainer made and one step trained",
    "layer-on-cpu": "untied Llama, a layer on the CPU beside a device that counts as a GPU",
    "gpt2-layer-on-disk": "untied GPT-2, a layer on disk, the Trainer made and one step trained",
}
PLACES = {
    "llama": _tiny.LAYER_ON_DISK,
    "gpt2": {
        "transformer.wte": "cpu", "transformer.wpe": "cpu", "transformer.h.0": "cpu", "transformer.h.1": "disk", "transformer.ln_f": "cpu",
        "lm_head": "cpu",
    },
}  # fmt: skip


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import Trainer, TrainingArguments

    if not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    name = "gpt2" if shape.startswith("gpt2") else "llama"
    model_class, path = _causal.saved(workdir, name)
    if model_class is None:
        return not_applicable("this release has no Llama")
    # It counts as a GPU: it is not the text "cpu". Old releases fail in another way where a map names none.
    device = torch.device("cpu") if shape == "layer-on-cpu" or _tiny.release() < (4, 32) else "cpu"
    away = "cpu" if shape == "layer-on-cpu" else "disk"
    places = {part: away if place == "disk" else device for part, place in PLACES[name].items()}
    model = model_class.from_pretrained(path, device_map=places, offload_folder=_causal.offload_folder(workdir))
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
