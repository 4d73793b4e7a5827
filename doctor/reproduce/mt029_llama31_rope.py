"""MT029: Llama 3.1 models cannot be built under torch.device("meta")."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SCALING = {
    "rope_type": "llama3", "type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM

    if _tiny.release() < (4, 43):
        return not_applicable("this release has no llama3 rope type")
    config = _tiny.llama_config(rope_scaling=dict(SCALING))
    try:
        with torch.device("meta"):
            model = LlamaForCausalLM(config)
    except RuntimeError as error:
        if _tiny.is_value_error_on_meta(error):
            return reproduced(_tiny.first_line(error))
        raise
    real = [name for name, tensor in _tiny.named_tensors(model) if tensor.device.type != "meta"]
    return not_reproduced("built on meta; %d tensors with data" % len(real))
