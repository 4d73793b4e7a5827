"""Run inside a patient: programs as users write them, each failing in its own way; their real tracebacks go to stdout.

    python failing.py FOLDER
"""

import concurrent.futures
import logging
import os
import sys
import threading
import traceback

import accelerate
import torch
import transformers
from accelerate import cpu_offload, init_empty_weights, load_checkpoint_and_dispatch, load_checkpoint_in_model
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributed.fsdp import fully_shard
from transformers import BertConfig, BertForSequenceClassification, BertModel, LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM
from transformers import PreTrainedModel, Trainer, TrainingArguments

FOLDER = sys.argv[1]
LLAMA = os.path.join(FOLDER, "llama")
BERT = os.path.join(FOLDER, "bert")
SIZES = dict(hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2, vocab_size=32)
ON_DISK = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}


def make_models():
    LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, tie_word_embeddings=False, **SIZES)).save_pretrained(LLAMA)
    BertModel(BertConfig(**SIZES)).save_pretrained(BERT)


def tied(name):
    """The folder of a Llama whose file holds the tied weight once."""
    folder = os.path.join(FOLDER, name)
    LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, tie_word_embeddings=True, **SIZES)).save_pretrained(folder)
    return folder


def mixture():
    """The configuration and the file of a mixture of experts."""
    config = MixtralConfig(num_key_value_heads=2, num_local_experts=2, max_position_embeddings=64, **SIZES)
    folder = os.path.join(FOLDER, "mixture")
    MixtralForCausalLM(config).save_pretrained(folder)
    return config, file_in(folder)


def file_in(folder):
    return os.path.join(folder, "model.safetensors")


def plain():
    return LlamaForCausalLM(LlamaConfig.from_pretrained(LLAMA))


def offloaded():
    return LlamaForCausalLM.from_pretrained(LLAMA, device_map=ON_DISK, offload_folder=os.path.join(FOLDER, "offload"))


def move_an_offloaded_model():
    model = offloaded()
    model.to("cpu")


def train_an_offloaded_model():
    model = offloaded()
    Trainer(model=model, args=TrainingArguments(output_dir=os.path.join(FOLDER, "out"), report_to=[]), train_dataset=[])


def load_in_threads():
    meeting = threading.Barrier(4)

    def load():
        meeting.wait()
        return BertModel.from_pretrained(BERT).to("cpu")

    for _ in range(40):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for task in [pool.submit(load) for _ in range(4)]:
                task.result()


def load_in_meta_context():
    with torch.device("meta"):
        model = LlamaForCausalLM.from_pretrained(LLAMA)
    model.to("cpu")


class WithEncoder(PreTrainedModel):
    config_class = BertConfig

    def __init__(self, config):
        super().__init__(config)
        self.encoder = BertModel.from_pretrained(BERT)
        self.encoder.to("cpu")
        self.post_init()


def load_a_model_that_loads_another():
    WithEncoder.from_pretrained(BERT)


class WithRates(PreTrainedModel):
    config_class = BertConfig

    def __init__(self, config):
        super().__init__(config)
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.rate = self.scale.item()
        self.post_init()


def load_a_model_that_reads_a_value():
    WithRates.from_pretrained(BERT)


class WithExtraLayer(LlamaForCausalLM):
    def __init__(self, config):
        super().__init__(config)
        self.extra = torch.nn.Linear(config.hidden_size, config.hidden_size)
        self.post_init()


def load_a_checkpoint_without_an_added_layer():
    model = WithExtraLayer.from_pretrained(LLAMA, low_cpu_mem_usage=True)  # its extra layer is not in the checkpoint
    model.to("cpu")


def load_a_tied_checkpoint_that_holds_only_the_head():
    folder = tied("only_the_head")
    file = file_in(folder)
    weights = load_file(file)
    weights["lm_head.weight"] = weights.pop("model.embed_tokens.weight")
    save_file(weights, file, metadata={"format": "pt"})
    model = LlamaForCausalLM.from_pretrained(folder)
    model.to("cpu")


def save_an_offloaded_model():
    model = offloaded()
    accelerate.hooks.remove_hook_from_module(model, recurse=True)
    model.save_pretrained(os.path.join(FOLDER, "merged"))


def put_layers_on_a_disk_without_a_folder():
    with init_empty_weights():
        model = plain()
    load_checkpoint_and_dispatch(model, file_in(LLAMA), device_map=ON_DISK)


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


def attend_with_offloaded_weights():
    model = Attending().eval()
    cpu_offload(model, execution_device=torch.device("cpu"))
    with torch.no_grad():
        model(torch.rand(1, 3, 16))


def run_a_tied_model_from_the_disk():
    places = {"model.embed_tokens": "disk", "model.layers": "cpu", "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "disk"}
    model = LlamaForCausalLM.from_pretrained(tied("on_disk"), device_map=places, offload_folder=os.path.join(FOLDER, "offload"))
    model(torch.tensor([[1, 2]]))


def dispatch_a_checkpoint_that_lacks_a_weight():
    weights = load_file(file_in(LLAMA))
    del weights["model.norm.weight"]
    file = os.path.join(FOLDER, "lacking.safetensors")
    save_file(weights, file, metadata={"format": "pt"})
    with init_empty_weights():
        model = plain()
    load_checkpoint_and_dispatch(model, file, device_map=ON_DISK, offload_folder=os.path.join(FOLDER, "offload"))


def load_a_state_dict_that_lacks_a_layer():
    weights = {name: weight for name, weight in load_file(file_in(LLAMA)).items() if ".layers.1." not in name}
    plain().load_state_dict(weights)


def load_the_state_dict_of_a_model_on_meta():
    with torch.device("meta"):
        source = plain()
    plain().load_state_dict(source.state_dict())


def load_a_state_dict_that_holds_a_tied_weight_once():
    folder = tied("once")
    LlamaForCausalLM(LlamaConfig.from_pretrained(folder)).load_state_dict(load_file(file_in(folder)))


def load_experts_by_their_names():
    config, file = mixture()
    MixtralForCausalLM(config).load_state_dict(load_file(file))


class Counting(nn.Module):
    def forward(self, words):
        return torch.bincount(words)


def run_on_meta_what_has_no_kernel_there():
    with torch.device("meta"):
        Counting()(torch.zeros(9, dtype=torch.long))


def give_memory_to_a_tied_model():
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, tie_word_embeddings=True, **SIZES))
    model.to_empty(device="cpu")
    assert model.lm_head.weight is model.model.embed_tokens.weight, "lm_head and embed_tokens are no longer tied after to_empty"


def shard_and_run_without_values():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(4, 4))
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        fully_shard(model, mesh=torch.distributed.device_mesh.init_device_mesh("cpu", (1,)))
        model(torch.rand(2, 4))
    finally:
        torch.distributed.destroy_process_group()


def load_with_a_word_that_is_no_device():
    LlamaForCausalLM.from_pretrained(LLAMA, device_map="everywhere")


class WithoutPostInit(PreTrainedModel):
    config_class = BertConfig

    def __init__(self, config):
        super().__init__(config)
        self.encoder = BertModel(config)


def load_a_model_without_post_init():
    WithoutPostInit.from_pretrained(BERT)


def load_a_checkpoint_without_a_map():
    with init_empty_weights():
        model = plain()
    load_checkpoint_in_model(model, LLAMA)


def train_a_model_with_a_new_head():
    logging.getLogger("transformers").addHandler(logging.StreamHandler(sys.stdout))  # as a terminal shows it
    folder = os.path.join(FOLDER, "two_labels")
    BertForSequenceClassification(BertConfig(num_labels=2, **SIZES)).save_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder, num_labels=3, ignore_mismatched_sizes=True, low_cpu_mem_usage=True)
    Trainer(model=model, args=TrainingArguments(output_dir=os.path.join(FOLDER, "out"), report_to=[]), train_dataset=[])


PROGRAMS = (
    move_an_offloaded_model,
    train_an_offloaded_model,
    load_in_meta_context,
    load_a_model_that_loads_another,
    load_a_model_that_reads_a_value,
    load_a_checkpoint_without_an_added_layer,
    load_a_tied_checkpoint_that_holds_only_the_head,
    save_an_offloaded_model,
    put_layers_on_a_disk_without_a_folder,
    attend_with_offloaded_weights,
    run_a_tied_model_from_the_disk,
    dispatch_a_checkpoint_that_lacks_a_weight,
    load_a_state_dict_that_lacks_a_layer,
    load_the_state_dict_of_a_model_on_meta,
    load_a_state_dict_that_holds_a_tied_weight_once,
    load_experts_by_their_names,
    run_on_meta_what_has_no_kernel_there,
    give_memory_to_a_tied_model,
    shard_and_run_without_values,
    load_with_a_word_that_is_no_device,
    load_a_model_without_post_init,
    load_a_checkpoint_without_a_map,
    train_a_model_with_a_new_head,
    load_in_threads,  # the last: what it leaves behind would fail others
)

if __name__ == "__main__":
    make_models()
    print("transformers %s, torch %s, accelerate %s" % (transformers.__version__, torch.__version__, accelerate.__version__))
    for program in PROGRAMS:
        print("=== %s" % program.__name__)
        try:
            program()
        except Exception:
            traceback.print_exc(file=sys.stdout)
