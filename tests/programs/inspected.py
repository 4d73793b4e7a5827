"""Runs in a stack, with doctor beside it: models loaded right and wrong, and what `doctor.inspect_model` says of each.

    python inspected.py FOLDER      prints one JSON object: name -> report
"""

import copy
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")
import torch
import transformers
from own_model import Own
from safetensors.torch import load_file, save_file
from torch import nn

import doctor

VERSION = tuple(int(each) for each in transformers.__version__.split(".")[:2])
DTYPE = "dtype" if VERSION >= (4, 56) else "torch_dtype"
FOUND = {}
MODELS = {}


def saved(kind, config, name, **options):
    torch.manual_seed(7)
    path = os.path.join(sys.argv[1], name)
    kind(config).save_pretrained(path, **options)
    MODELS[name] = path
    return path


def note(name, model, checkpoint, **options):
    found = doctor.inspect_model(model, checkpoint, **options)
    FOUND[name] = json.loads(found.as_json())
    return found


LLAMA = transformers.LlamaConfig(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=96,
    max_position_embeddings=64, tie_word_embeddings=False,
)  # fmt: skip
TIED = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=64, vocab_size=96)
Llama, GPT2 = transformers.LlamaForCausalLM, transformers.GPT2LMHeadModel
llama = saved(Llama, LLAMA, "llama")
sharded = saved(Llama, LLAMA, "sharded", max_shard_size="20KB")
gpt2 = saved(GPT2, TIED, "gpt2")


def says_of_ties(path, tied):
    """Write into the configuration what its class may not let it say."""
    file = os.path.join(path, "config.json")
    with open(file) as stream:
        settings = json.load(stream)
    with open(file, "w") as stream:
        json.dump({**settings, "tie_word_embeddings": tied}, stream)


def head_apart():
    """A T5 with a head of its own, whose file names the embedding for the decoder only; and one that got the head as embedding."""
    config = transformers.T5Config(d_model=32, d_kv=8, d_ff=48, num_layers=1, num_heads=4, vocab_size=96, tie_word_embeddings=False)
    path = saved(transformers.T5ForConditionalGeneration, config, "head-apart")
    says_of_ties(path, False)
    file = os.path.join(path, "model.safetensors")
    tensors = {name: tensor for name, tensor in load_file(file).items() if tuple(tensor.shape) != (96, 32)}
    save_file({**tensors, "decoder.embed_tokens.weight": torch.randn(96, 32), "lm_head.weight": torch.randn(96, 32)}, file, {"format": "pt"})
    model = transformers.T5ForConditionalGeneration.from_pretrained(path)
    note("head-apart", model, path)
    model.encoder.embed_tokens.weight = model.lm_head.weight
    note("head-for-embedding", model, path)


def right():
    note("sharded", Llama.from_pretrained(sharded), sharded)
    note("gpt2", GPT2.from_pretrained(gpt2), gpt2, digests=True)
    note("bfloat16", Llama.from_pretrained(llama, **{DTYPE: torch.bfloat16}), llama)
    note("without-head", transformers.AutoModel.from_pretrained(llama), llama)
    note("compiled", torch.compile(Llama.from_pretrained(llama)), llama)
    places = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu", "lm_head": "cpu"}
    places["model.rotary_emb"] = "cpu"
    offloaded = Llama.from_pretrained(llama, device_map=places, offload_folder=os.path.join(sys.argv[1], "offload"))
    note("offloaded", offloaded, llama)
    torch.save(Llama.from_pretrained(llama).state_dict(), os.path.join(sys.argv[1], "weights.bin"))
    note("pickled", Llama.from_pretrained(llama), os.path.join(sys.argv[1], "weights.bin"))
    mixtral = transformers.MixtralConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=96,
        num_local_experts=4, max_position_embeddings=64,
    )  # fmt: skip
    path = saved(transformers.MixtralForCausalLM, mixtral, "mixtral")
    note("mixtral", transformers.MixtralForCausalLM.from_pretrained(path), path)
    t5 = transformers.T5Config(d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, vocab_size=96)
    path = saved(transformers.T5ForConditionalGeneration, t5, "t5")
    note("t5", transformers.T5ForConditionalGeneration.from_pretrained(path), path)
    model = Llama.from_pretrained(llama)
    before = torch.get_rng_state()
    note("llama", model, llama)
    FOUND["random-numbers-kept"] = bool(torch.equal(before, torch.get_rng_state()))


def wrong():
    model = Llama.from_pretrained(llama)
    layer = model.model.layers[0]
    layer.mlp.up_proj.weight.data.fill_(float("nan"))
    model.model.layers[1].mlp.up_proj.weight.data.normal_(std=0.02)
    layer.self_attn.q_proj.weight.data = layer.self_attn.q_proj.weight.data.t().contiguous()
    layer.mlp.gate_proj.weight.data.copy_(model.model.layers[1].mlp.gate_proj.weight.data)
    model.model.layers[1].mlp.down_proj.weight.data = layer.mlp.down_proj.weight.data.clone().half().float()
    model.model.layers[1].self_attn.q_proj.weight.data += 1e-4
    layer.self_attn.k_proj.weight = nn.Parameter(torch.empty_like(layer.self_attn.k_proj.weight, device="meta"))
    model.model.layers[1].self_attn.k_proj.weight.data = model.model.layers[1].self_attn.k_proj.weight.data.to(torch.bfloat16).float()
    model.model.rotary_emb.inv_freq.zero_()
    layer.self_attn.v_proj.weight.data = layer.self_attn.v_proj.weight.data[:8]
    note("many", model, llama)

    model = GPT2.from_pretrained(gpt2)
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    note("untied", model, gpt2)
    path = saved(GPT2, transformers.GPT2Config(**{**TIED.to_dict(), "tie_word_embeddings": False}), "two-of-a-pair")
    says_of_ties(path, True)
    note("two-of-a-pair", GPT2.from_pretrained(path), path)
    model = Llama.from_pretrained(llama)
    model.model.layers[0].mlp.up_proj.weight = model.model.layers[1].mlp.up_proj.weight
    note("tied", model, llama)
    note("new-head", transformers.LlamaForSequenceClassification.from_pretrained(llama), llama)

    note("own", Own.from_pretrained(llama), llama)


def plain():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(8, 8)
            self.head = nn.Linear(8, 8, bias=False)
            self.head.weight = self.embed.weight
            self.register_buffer("table", torch.arange(40).float() + 0.5, persistent=False)

    original = Tied()
    file = os.path.join(sys.argv[1], "tied.bin")
    torch.save(original.state_dict(), file)
    with torch.device("meta"):
        model = Tied()
    note("all-on-meta", model, file)
    model.to_empty(device="cpu")
    model.load_state_dict(original.state_dict())
    model.table.fill_(7.75)
    note("after-to-empty", model, file)
    with torch.device("meta"):
        model = Tied()
    model.load_state_dict(original.state_dict(), assign=True)
    note("assigned", model, file)

    class Numbered(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.linear = nn.Linear(width, width)
            self.register_buffer("ids", torch.tensor([40001, 2, 3]))

    original = Numbered(4)
    file = os.path.join(sys.argv[1], "numbered.bin")
    torch.save(original.state_dict(), file)
    model = copy.deepcopy(original)
    note("numbered", model, file, build=lambda: Numbered(4))
    model.half()
    model.ids = model.ids.half()
    note("numbers-cast", model, file)
    note("without-checkpoint", original, None)


right()
head_apart()
wrong()
plain()
json.dump({"found": FOUND, "models": MODELS}, sys.__stdout__)
