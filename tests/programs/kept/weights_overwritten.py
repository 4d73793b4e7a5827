"""A model whose _init_weights writes in place is compared with its file.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs, transformers 5.0.0 and accelerate 1.14.0.
"""

import sys

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import BertConfig, PreTrainedModel

FOLDER = sys.argv[1]


class Scorer(PreTrainedModel):
    config_class = BertConfig

    def __init__(self, config):
        super().__init__(config)
        self.score = nn.Linear(4, 4, bias=False)
        self.post_init()

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=0.02)


Scorer(BertConfig()).save_pretrained(FOLDER)
model = Scorer.from_pretrained(FOLDER)
weights = load_file(FOLDER + "/model.safetensors")
assert torch.equal(model.score.weight, weights["score.weight"]), "score.weight was re-initialized after it had been loaded"
