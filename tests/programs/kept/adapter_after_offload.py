"""An adapter is loaded over a base of which a layer is on the disk.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs, transformers 4.57.6, accelerate 1.10.1 and peft 0.21.2.
"""

import sys

from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

FOLDER = sys.argv[1]
PLACES = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}

LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2, vocab_size=32)).save_pretrained(FOLDER + "/base")
plain = LlamaForCausalLM.from_pretrained(FOLDER + "/base")
get_peft_model(plain, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(FOLDER + "/adapter")

base = LlamaForCausalLM.from_pretrained(FOLDER + "/base", device_map=PLACES, offload_folder=FOLDER + "/offload")
model = PeftModel.from_pretrained(base, FOLDER + "/adapter")
