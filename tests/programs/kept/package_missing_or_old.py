"""A model is loaded with a device_map where there is no accelerate.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs and transformers 4.57.6, in an environment without accelerate.
"""

import sys

from transformers import LlamaConfig, LlamaForCausalLM

FOLDER = sys.argv[1]

LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2, vocab_size=32)).save_pretrained(FOLDER + "/base")
LlamaForCausalLM.from_pretrained(FOLDER + "/base", device_map="auto")
