"""A model whose tie_weights() ties what its weights do not is prepared for FSDP2.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs, transformers 4.57.6 and accelerate 1.14.0, in a group of one process.
Accelerator takes FSDP only with an accelerator device, so its state is told that it is FSDP2.
"""

import os

import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from accelerate.utils import DistributedType

os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", MASTER_ADDR="localhost", MASTER_PORT="29531")


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(8, 4)
        self.lm_head = torch.nn.Linear(4, 8, bias=False)

    def tie_weights(self):
        self.lm_head.weight = self.embedding.weight


accelerator = Accelerator(cpu=True)
accelerator.state.distributed_type = DistributedType.FSDP
accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin(fsdp_version=2, cpu_ram_efficient_loading=True)
model = Tied()
accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1))
