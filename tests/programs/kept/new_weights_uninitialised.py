"""A layer that the file does not have is added to a model of diffusers.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs, diffusers 0.35.2 and accelerate 1.10.1.
"""

import sys

from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

FOLDER = sys.argv[1]


class Denoiser(ModelMixin, ConfigMixin):
    @register_to_config
    def __init__(self, added_layer=False):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        if added_layer:
            self.added = nn.Linear(4, 4)


Denoiser().save_pretrained(FOLDER)
model = Denoiser.from_pretrained(FOLDER, added_layer=True, low_cpu_mem_usage=True)
model.to("cpu")
