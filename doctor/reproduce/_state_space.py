"""Small models with a state of their own beside or in place of attention, with their first layer on disk."""

import os
from typing import Any, List, Optional, Tuple

import _tiny

_NEW_TOKENS = 4


def model(name: str) -> Optional[Tuple[Any, Any]]:
    """The class and a small configuration; None where this release has no such model."""
    import transformers

    family = {"qwen3-next": "Qwen3Next", "mamba": "Mamba", "falcon-h1": "FalconH1", "bamba": "Bamba"}[name]
    if not hasattr(transformers, family + "ForCausalLM"):
        return None
    common = {
        "hidden_size": _tiny.HIDDEN, "num_hidden_layers": 2, "vocab_size": _tiny.VOCABULARY, "tie_word_embeddings": False,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip
    attention = {"intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64}
    own = {
        "qwen3-next": {
            "head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
            "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16,
            "layer_types": ["linear_attention", "full_attention"], **attention,
        },
        "mamba": {"state_size": 8},
        "falcon-h1": {"mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8, **attention},
        "bamba": {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "attn_layer_indices": [1], **attention},
    }[name]  # fmt: skip
    config = getattr(transformers, family + "Config")(**common, **own)
    return getattr(transformers, family + "ForCausalLM"), config


def logits(model: Any) -> List[Any]:
    """Of each of a few tokens that are generated one by one."""
    import torch

    tokens = torch.tensor([[5, 6, 7, 8]])
    said = model.eval().generate(
        tokens, max_new_tokens=_NEW_TOKENS, min_new_tokens=_NEW_TOKENS, do_sample=False, output_logits=True, return_dict_in_generate=True
    )
    return [each.cpu() for each in said.logits]


def distances(found: List[Any], expected: List[Any]) -> List[float]:
    """How far the logits of each token lie from those expected."""
    return [float((found[number] - each).abs().max()) for number, each in enumerate(expected)]


def with_first_layer_on_disk(model_class: Any, path: str, workdir: str) -> Any:
    """The model that was saved at `path`, loaded so."""
    whole = model_class.from_pretrained(path)
    places = {}
    for name, part in whole.named_children():
        for inner, _ in part.named_children():
            places[name + "." + inner] = "cpu"
        if not list(part.children()):
            places[name] = "cpu"
    layers = next(name for name in places if name.endswith(".layers"))
    del places[layers]
    for number in range(len(dict(whole.named_modules())[layers])):
        places["%s.%d" % (layers, number)] = "disk" if number == 0 else "cpu"
    offload = os.path.join(workdir, "offload")
    os.makedirs(offload)
    return model_class.from_pretrained(path, device_map=places, offload_folder=offload)
