"""A model that was built without values is given to DeepSpeed.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs, transformers 4.57.6, accelerate 1.10.1 and deepspeed 0.19.8, in a group of one
process on the CPU.
"""

import os

os.environ.update(DS_ACCELERATOR="cpu", RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", MASTER_ADDR="localhost", MASTER_PORT="29547")

import deepspeed
import torch.distributed
from accelerate import init_empty_weights
from transformers import LlamaConfig, LlamaForCausalLM

CONFIG = {"train_micro_batch_size_per_gpu": 1, "zero_optimization": {"stage": 1}}

torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
deepspeed.ops.__compatible_ops__.clear()
deepspeed.init_distributed("gloo", dist_init_required=False)

with init_empty_weights():
    model = LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2, vocab_size=32))
deepspeed.initialize(model=model, config=CONFIG)
