"""MT193: the Trainer of transformers 4.52 and later gives unwrap_model a keep_torch_compile, which accelerate before 1.3 does not take."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM, Trainer, TrainingArguments

    model = LlamaForCausalLM(_tiny.llama_config())
    on_the_cpu = {"use_cpu": True} if _tiny.release() >= (4, 34) else {"no_cuda": True}
    try:
        arguments = TrainingArguments(
            output_dir=os.path.join(workdir, "run"), max_steps=1, save_strategy="no", report_to=[], disable_tqdm=True, **on_the_cpu
        )
    except ImportError as error:
        if "requires `accelerate>=" in str(error):
            return not_applicable("accelerate counts as not installed (MT114, MT115)")
        raise
    tokens = torch.tensor([1, 5, 6, 7])
    trainer = Trainer(model=model, args=arguments, train_dataset=[{"input_ids": tokens, "labels": tokens}] * 4)
    try:
        trainer.train()
    except TypeError as error:
        if "unexpected keyword argument 'keep_torch_compile'" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    return not_reproduced("a step was taken")
