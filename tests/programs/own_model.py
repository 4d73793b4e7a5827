"""A model of one's own, for the programs that load one: a parameter and a buffer of it stand in no file."""

import torch
import transformers
from torch import nn


class Own(transformers.LlamaForCausalLM):
    def __init__(self, config):
        super().__init__(config)
        self.scale = nn.Parameter(torch.full((40,), 3.0))
        self.register_buffer("table", torch.arange(40).float() + 0.5, persistent=False)
        self.post_init()
        kept = [torch.full((40,), 7.75) for _ in range(64)]
        del kept
