"""A small Llama with a LoRA adapter, saved."""

import os
from typing import Any

import _tiny


def base(dtype: Any = None) -> Any:
    """The untied Llama, its values the same each time."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(_tiny.llama_config()).to(dtype or torch.float32).eval()


def saved(workdir: str, **options: Any) -> str:
    """The directory of a LoRA for it whose weights are not zero."""
    import torch
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(base(), LoraConfig(r=4, target_modules=["q_proj", "v_proj"], **options))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn_like(parameter)
    path = os.path.join(workdir, "adapter")
    model.save_pretrained(path)
    return path


def takes_low_cpu_mem_usage() -> bool:
    """Whether PeftModel.from_pretrained can make an adapter on meta: from 0.13.0 on."""
    return _tiny.release("peft") >= (0, 13)
