"""Run inside a patient: loads that a loader reports on, each under a mark on stderr.

    python load_reports.py FOLDER
"""

import os
import shutil
import sys
import traceback

import torch
from accelerate import init_empty_weights, load_checkpoint_and_dispatch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForSequenceClassification, BertConfig, BertForMaskedLM, BertForSequenceClassification
from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM

FOLDER = sys.argv[1]
SIZES = dict(hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2, vocab_size=32)


def folder(name):
    return os.path.join(FOLDER, name)


def changed(name, change):
    """A copy of the checkpoint with other names or tensors."""
    shutil.copytree(folder("llama"), folder(name))
    path = os.path.join(folder(name), "model.safetensors")
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    return folder(name)


def experts_by_their_names():
    config = MixtralConfig(num_key_value_heads=2, num_local_experts=2, max_position_embeddings=64, **SIZES)
    MixtralForCausalLM(config).save_pretrained(folder("mixture"))
    with init_empty_weights():
        model = MixtralForCausalLM(config)
    load_checkpoint_and_dispatch(model, os.path.join(folder("mixture"), "model.safetensors"), device_map={"": "cpu"})


LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, tie_word_embeddings=False, **SIZES)).save_pretrained(folder("llama"))
BertForMaskedLM(BertConfig(**SIZES)).save_pretrained(folder("bert"))
LOADS = {
    "a head is new": lambda: AutoModelForSequenceClassification.from_pretrained(folder("llama")),
    "a head and a pooler are new": lambda: BertForSequenceClassification.from_pretrained(folder("bert")),
    "a head is unused": lambda: AutoModel.from_pretrained(folder("llama")),
    "a wrapper's prefix": lambda: LlamaForCausalLM.from_pretrained(changed("wrapped", lambda sd: {f"base_model.{k}": v for k, v in sd.items()})),
    "a layer is missing": lambda: LlamaForCausalLM.from_pretrained(changed("half", lambda sd: {k: v for k, v in sd.items() if "layers.1." not in k})),
    "a tied name is missing": lambda: LlamaForCausalLM.from_pretrained(changed("tied", lambda sd: {k: v for k, v in sd.items() if k != "lm_head.weight"})),
    "another layout": lambda: LlamaForCausalLM.from_pretrained(changed("other", lambda sd: {f"x.{i}.w": v for i, v in enumerate(sd.values())})),
    "other shapes, ignored": lambda: LlamaForCausalLM.from_pretrained(
        changed("ignored", lambda sd: {k: v[:16].clone() if k == "lm_head.weight" else v for k, v in sd.items()}), ignore_mismatched_sizes=True
    ),
    "other shapes": lambda: LlamaForCausalLM.from_pretrained(
        changed("shapes", lambda sd: {k: v[:16].clone() if k == "lm_head.weight" else v for k, v in sd.items()})
    ),
    "a tower is unused": lambda: LlamaForCausalLM.from_pretrained(
        changed("tower", lambda sd: {**sd, **{f"vision_tower.layers.{i}.weight": torch.zeros(4, 4) for i in range(30)}})
    ),
    "torch's own words": lambda: LlamaForCausalLM(LlamaConfig(**SIZES)).load_state_dict(
        {f"module.{k}": v for k, v in LlamaForCausalLM(LlamaConfig(**SIZES)).state_dict().items()}
    ),
    "torch's lists": lambda: print(
        LlamaForCausalLM(LlamaConfig(**SIZES)).load_state_dict(
            {f"module.{k}": v for k, v in LlamaForCausalLM(LlamaConfig(**SIZES)).state_dict().items()}, strict=False
        ),
        file=sys.stderr,
    ),
    "experts by their names": experts_by_their_names,
}
for name, load in LOADS.items():
    print(f"\n=== {name}", file=sys.stderr, flush=True)
    try:
        load()
    except Exception:
        traceback.print_exc()
    sys.stderr.flush()
