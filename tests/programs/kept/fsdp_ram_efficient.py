"""The first process of a second node loads a model under FSDP with RAM-efficient loading.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs, transformers 4.35.2 and accelerate 0.25.0, as rank 1 of a process group that only
pretends to communicate.
"""

import os
import sys

import torch
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers import LlamaConfig, LlamaForCausalLM

FOLDER = sys.argv[1]

LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2, vocab_size=32)).save_pretrained(FOLDER, safe_serialization=False)
torch.distributed.init_process_group("fake", store=FakeStore(), rank=1, world_size=2)
os.environ.update(ACCELERATE_USE_FSDP="true", FSDP_CPU_RAM_EFFICIENT_LOADING="true", LOCAL_RANK="0")
LlamaForCausalLM.from_pretrained(FOLDER)
