"""A small mixture of experts: transformers 5 keeps its experts in one tensor and writes them one by one."""

import os
from typing import Any, Tuple

import _tiny


def saved(workdir: str) -> Tuple[Any, Any, str]:
    """The class, the configuration and the directory of a Mixtral checkpoint."""
    from transformers import MixtralConfig, MixtralForCausalLM

    config = MixtralConfig(
        hidden_size=_tiny.HIDDEN, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=_tiny.VOCABULARY, num_local_experts=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    return MixtralForCausalLM, config, _tiny.saved(MixtralForCausalLM, config, os.path.join(workdir, "mixtral"))
