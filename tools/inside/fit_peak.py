"""Runs inside a patient, for tools/fit_measured.py: what loading a model takes of memory at most, really.

    python fit_peak.py make FOLDER GIGABYTES   # saves one model as one file, as shards and as a pickle, in bfloat16
    python fit_peak.py load FOLDER OPTIONS     # loads it once, says the peak

One JSON object. Standard library and the patient's packages only; Linux.
"""

import json
import os
import sys
import warnings

WIDTH = 1024


def make(folder, gigabytes):
    import torch
    import transformers

    torch.manual_seed(0)
    layers = max(1, round((gigabytes * 1e9 / 2 - 2 * 16000 * WIDTH) / (12.6 * WIDTH * WIDTH)))
    config = transformers.LlamaConfig(
        vocab_size=16000,
        hidden_size=WIDTH,
        intermediate_size=2816,
        num_hidden_layers=layers,
        num_attention_heads=16,
        num_key_value_heads=16,
        tie_word_embeddings=False,
    )
    model = transformers.LlamaForCausalLM(config).to(torch.bfloat16)
    model.config.torch_dtype = "bfloat16"
    model.save_pretrained(os.path.join(folder, "one"), max_shard_size="100GB")
    model.save_pretrained(os.path.join(folder, "shards"), max_shard_size="200MB")
    model.config.save_pretrained(os.path.join(folder, "pickle"))
    torch.save(model.state_dict(), os.path.join(folder, "pickle", "pytorch_model.bin"))
    return {"bytes": sum(each.numel() * each.element_size() for each in model.parameters())}


def load(folder, options):
    import torch
    import transformers
    import transformers.models.llama.modeling_llama

    options = json.loads(options)
    path = os.path.join(folder, options.pop("kind"))
    options["torch_dtype"] = getattr(torch, options["torch_dtype"])
    before = memory()
    model = transformers.LlamaForCausalLM.from_pretrained(path, **options)
    return {"before": before, "peak": memory(), "layers": len(model.model.layers)}


def memory():
    """What is resident now, and was at most."""
    with open("/proc/self/status", encoding="ascii") as file:
        said = dict(line.split(":", 1) for line in file if ":" in line)
    return {name: int(said[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    print(json.dumps(make(sys.argv[2], float(sys.argv[3])) if sys.argv[1] == "make" else load(sys.argv[2], sys.argv[3])))
