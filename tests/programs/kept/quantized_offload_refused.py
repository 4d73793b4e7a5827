"""A model is quantized to 8 bits with a layer on the disk.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs, transformers 4.57.6, accelerate 1.10.1 and bitsandbytes 0.50.2.
"""

import sys

from transformers import BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

FOLDER = sys.argv[1]
PLACES = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}

LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2, vocab_size=32)).save_pretrained(FOLDER + "/base")
eight_bit = BitsAndBytesConfig(load_in_8bit=True)
LlamaForCausalLM.from_pretrained(FOLDER + "/base", device_map=PLACES, offload_folder=FOLDER + "/offload", quantization_config=eight_bit)
