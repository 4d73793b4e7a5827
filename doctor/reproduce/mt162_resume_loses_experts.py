"""MT162: Trainer goes on from a checkpoint of a mixture of experts without its experts."""

import os
from typing import Any

import _experts
import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "mixtral": "Mixtral, one step saved by Trainer, resumed by Trainer into a new model",
    "control": "untied Llama, the same",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    if shape == "control":
        from transformers import LlamaForCausalLM

        model_class, config = LlamaForCausalLM, _tiny.llama_config()
    else:
        model_class, config, _ = _experts.saved(workdir)
    torch.manual_seed(1)
    first = model_class(config)
    _trainer(first, workdir, steps=1).train()
    reference = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    torch.manual_seed(2)
    second = model_class(config)
    _trainer(second, workdir, steps=2).train(resume_from_checkpoint=os.path.join(workdir, "run", "checkpoint-1"))
    wrong = [name for name, tensor in second.state_dict().items() if not torch.allclose(tensor, reference[name], atol=1e-5)]
    if wrong:
        return reproduced("without an error, %d tensors are not those of the checkpoint: %s" % (len(wrong), ", ".join(wrong[:3])))
    return not_reproduced("all %d tensors as in the checkpoint" % len(reference))


def _trainer(model: Any, workdir: str, steps: int) -> Any:
    """One that changes nothing, so that what it holds after is what it loaded."""
    import torch
    from transformers import Trainer, TrainingArguments

    tokens = torch.tensor([1, 5, 6, 7])
    on_the_cpu = {"use_cpu": True} if _tiny.release() >= (4, 34) else {"no_cuda": True}
    arguments = TrainingArguments(
        output_dir=os.path.join(workdir, "run"), per_device_train_batch_size=1, max_steps=steps, save_steps=1, learning_rate=0.0,
        weight_decay=0.0, report_to=[], disable_tqdm=True, **on_the_cpu,
    )  # fmt: skip
    return Trainer(model=model, args=arguments, train_dataset=[{"input_ids": tokens, "labels": tokens}] * 4)
