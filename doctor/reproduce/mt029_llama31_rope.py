"""MT029: Llama 3.1 models cannot be built on the meta device."""

from typing import Any

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "causal-lm": 'LlamaForCausalLM with llama3 rope, built under torch.device("meta"), no file',
    "base": "the same with LlamaModel",
    "from-config": "the same through AutoModelForCausalLM.from_config",
    "default-device": 'the same after torch.set_default_device("meta")',
    "control": "the same under accelerate's init_empty_weights()",
}
SCALING = {
    "rope_type": "llama3", "type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip


def reproduce(workdir: str, shape: str) -> Verdict:
    if _tiny.release() < (4, 43):
        return not_applicable("this release has no llama3 rope type")
    try:
        model = _built(shape, _tiny.llama_config(rope_scaling=dict(SCALING)))
    except RuntimeError as error:
        if _tiny.is_value_error_on_meta(error):
            return reproduced(_tiny.first_line(error))
        raise
    real = [name for name, tensor in _tiny.named_tensors(model) if tensor.device.type != "meta"]
    return not_reproduced("built on meta; %d tensors with data" % len(real))


def _built(shape: str, config: Any) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, LlamaForCausalLM, LlamaModel

    if shape == "default-device":
        torch.set_default_device("meta")
        try:
            return LlamaForCausalLM(config)
        finally:
            torch.set_default_device("cpu")
    if shape == "control":
        from accelerate import init_empty_weights

        with init_empty_weights():
            return LlamaForCausalLM(config)
    with torch.device("meta"):
        if shape == "from-config":
            return AutoModelForCausalLM.from_config(config)
        return (LlamaModel if shape == "base" else LlamaForCausalLM)(config)
