"""transformers is imported beside an accelerate that it asks for and that lacks a name it takes.

Run on 2026-11-29 with Python 3.11, torch 2.13.0 for CPUs, transformers 5.0.0 and accelerate 1.1.1.
"""

from transformers import LlamaForCausalLM

print(LlamaForCausalLM.__name__)
