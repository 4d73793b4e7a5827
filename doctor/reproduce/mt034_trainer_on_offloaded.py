"""MT034: Trainer refuses a model with layers offloaded to CPU or disk."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from transformers import LlamaForCausalLM, Trainer, TrainingArguments

    path = _tiny.saved_llama(workdir)
    model = LlamaForCausalLM.from_pretrained(path, device_map=_tiny.LAYER_ON_DISK, offload_folder=os.path.join(workdir, "offload"))
    arguments = TrainingArguments(output_dir=os.path.join(workdir, "out"), report_to=[])
    try:
        Trainer(model=model, args=arguments, train_dataset=[{"input_ids": [1, 5, 6, 2], "labels": [1, 5, 6, 2]}])
    except (RuntimeError, NotImplementedError) as error:
        if "You can't move a model that has some modules offloaded" in str(error) or _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    except IndexError:
        if _tiny.release() < (4, 32):
            return not_applicable("this release cannot make a Trainer for a device_map without a GPU")
        raise
    return not_reproduced("the Trainer is made; %d tensors of the model are on meta" % len(_tiny.on_meta(model)))
