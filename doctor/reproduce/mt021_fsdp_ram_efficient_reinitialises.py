"""MT021: with FSDP's RAM-efficient loading, ranks other than 0 initialise a full model of their own. Two gloo processes."""

import os
from typing import Any, Dict

import _tiny
import _two_ranks
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "untied": "untied Llama, one file, two processes",
    "tied": "tied Llama, one file, two processes",
}
FSDP = {"ACCELERATE_USE_FSDP": "true", "FSDP_CPU_RAM_EFFICIENT_LOADING": "true"}


def reproduce(workdir: str, shape: str) -> Verdict:
    if not hasattr(os, "fork"):
        return not_applicable("it takes two forked processes")
    path = _tiny.saved_llama(workdir, tie_word_embeddings=shape == "tied")

    def work(rank: int) -> Dict[str, Any]:
        import torch
        from transformers import LlamaForCausalLM

        drawn = []
        normal = torch.Tensor.normal_

        def counted(tensor: Any, *arguments: Any, **options: Any) -> Any:
            if tensor.device.type != "meta":
                drawn.append(tensor.numel())
            return normal(tensor, *arguments, **options)

        torch.Tensor.normal_ = counted  # type: ignore[method-assign]
        model = LlamaForCausalLM.from_pretrained(path)
        parameters = [each for each in model.parameters() if each.device.type != "meta"]
        wrong = _tiny.differences(model, _tiny.reference_state(path)) if rank == 0 else []
        return {"drawn": sum(drawn), "held": sum(each.numel() for each in parameters), "wrong": wrong}

    first, second = _two_ranks.answers(work, workdir, FSDP)
    if "error" in first or "error" in second or first["wrong"]:
        raise AssertionError("the load fails: %s; %s" % (first, second))
    if second["drawn"]:
        return reproduced("rank 1 draws %d random values for the %d that it holds" % (second["drawn"], second["held"]))
    return not_reproduced("rank 1 draws no random value; it holds %d values" % second["held"])
