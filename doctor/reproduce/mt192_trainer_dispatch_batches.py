"""MT192: the Trainer of transformers 4.32 to 4.39 gives Accelerator a dispatch_batches, which accelerate 1.0 takes no more."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from transformers import LlamaForCausalLM, Trainer, TrainingArguments

    model = LlamaForCausalLM(_tiny.llama_config())
    on_the_cpu = {"use_cpu": True} if _tiny.release() >= (4, 34) else {"no_cuda": True}
    arguments = TrainingArguments(output_dir=os.path.join(workdir, "run"), report_to=[], **on_the_cpu)
    try:
        Trainer(model=model, args=arguments)
    except TypeError as error:
        if "unexpected keyword argument 'dispatch_batches'" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    return not_reproduced("a Trainer was made")
