"""Runs in a stack with diffusers, peft and optimum-quanto, with doctor beside it: what `doctor.inspect_model` says of models of theirs.

    python inspected_more.py FOLDER      prints one JSON object: name -> report
"""

import json
import os
import sys
import types
import warnings

warnings.simplefilter("ignore")
import diffusers
import peft
import torch
import transformers
from own_model import Own
from torch import nn

import doctor

FOUND = {}
CONFIG = transformers.LlamaConfig(
    hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=96,
    max_position_embeddings=64, tie_word_embeddings=False,
)  # fmt: skip


def path_of(name):
    return os.path.join(sys.argv[1], name)


def note(name, model, checkpoint, **options):
    FOUND[name] = json.loads(doctor.inspect_model(model, checkpoint, **options).as_json())


def pipelines():
    unet = diffusers.UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(8, 8), norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    vae = diffusers.VQModel(in_channels=1, out_channels=1, block_out_channels=(8,), latent_channels=1, num_vq_embeddings=4, norm_num_groups=4)
    diffusers.LDMPipeline(vae, unet, diffusers.DDIMScheduler()).save_pretrained(path_of("pipeline"))
    pipeline = diffusers.LDMPipeline.from_pretrained(path_of("pipeline"))
    note("pipeline", pipeline, path_of("pipeline"))
    with torch.no_grad():
        pipeline.unet.conv_in.weight.fill_(float("nan"))
    note("pipeline with a part that is wrong", pipeline, path_of("pipeline"))


def adapters():
    peft.get_peft_model(fresh(), peft.LoraConfig(target_modules=["q_proj"], r=4)).save_pretrained(path_of("adapter"))
    both = [path_of("llama"), path_of("adapter")]
    model = peft.PeftModel.from_pretrained(loaded(), path_of("adapter"))
    note("adapter", model, both)
    note("adapter, and the base alone to hold it against", model, path_of("llama"))
    with torch.no_grad():
        model.base_model.model.model.layers[1].self_attn.q_proj.base_layer.weight.zero_()
        model.base_model.model.model.layers[0].self_attn.q_proj.lora_A["default"].weight.mul_(2)
    note("adapter on a base that is wrong, and itself", model, both)


def quantised():
    config = transformers.QuantoConfig(weights="int8")
    model = loaded(quantization_config=config)
    note("quantised", model, path_of("llama"))
    first, second = (layer.mlp for layer in model.model.layers)
    first.up_proj, second.up_proj = second.up_proj, first.up_proj
    note("quantised, two exchanged", model, path_of("llama"))


def partitions():
    """As DeepSpeed's ZeRO-3 leaves parameters (zero/partition_parameters.py): empty, with the rank's flat part beside each; of rank 0."""
    whole, file = nn.Linear(6, 4), path_of("whole.bin")
    torch.save(whole.state_dict(), file)

    def partitioned():
        model = nn.Linear(6, 4)
        for parameter, value in zip(model.parameters(), whole.parameters()):
            half = value.detach().reshape(-1)[: value.numel() // 2].clone()
            parameter.ds_id, parameter.ds_shape, parameter.ds_tensor = id(parameter), value.shape, half
            parameter.ds_status = types.SimpleNamespace(name="NOT_AVAILABLE")
            parameter.data = torch.empty(0)
        return model

    model = partitioned()
    note("partitions", model, file)
    model.weight.ds_tensor.fill_(7.75)
    note("a partition that is wrong", model, file)
    model = partitioned()
    model.weight.data, model.weight.ds_status = whole.weight.detach().clone(), types.SimpleNamespace(name="AVAILABLE")
    del model.bias.ds_tensor
    note("one gathered, one elsewhere", model, file)


def fresh():
    torch.manual_seed(7)
    return transformers.LlamaForCausalLM(CONFIG)


def loaded(**options):
    return transformers.LlamaForCausalLM.from_pretrained(path_of("llama"), **options)


fresh().save_pretrained(path_of("llama"))
note("own", Own.from_pretrained(path_of("llama")), path_of("llama"))
pipelines()
adapters()
quantised()
partitions()
json.dump(FOUND, sys.__stdout__)
