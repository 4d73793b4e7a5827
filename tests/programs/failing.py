"""Run inside a patient: programs as users write them, each failing in its own way; their real tracebacks go to stdout.

    python failing.py FOLDER
"""

import concurrent.futures
import os
import sys
import threading
import traceback

import accelerate
import torch
import transformers
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel, Trainer, TrainingArguments

FOLDER = sys.argv[1]
LLAMA = os.path.join(FOLDER, "llama")
BERT = os.path.join(FOLDER, "bert")
SIZES = dict(hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2, vocab_size=32)
ON_DISK = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}


def make_models():
    LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, tie_word_embeddings=False, **SIZES)).save_pretrained(LLAMA)
    BertModel(BertConfig(**SIZES)).save_pretrained(BERT)


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
    from safetensors.torch import load_file, save_file

    folder = os.path.join(FOLDER, "tied")
    LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, tie_word_embeddings=True, **SIZES)).save_pretrained(folder)
    file = os.path.join(folder, "model.safetensors")
    weights = load_file(file)
    weights["lm_head.weight"] = weights.pop("model.embed_tokens.weight")
    save_file(weights, file, metadata={"format": "pt"})
    model = LlamaForCausalLM.from_pretrained(folder)
    model.to("cpu")


def save_an_offloaded_model():
    model = offloaded()
    accelerate.hooks.remove_hook_from_module(model, recurse=True)
    model.save_pretrained(os.path.join(FOLDER, "merged"))


PROGRAMS = (
    move_an_offloaded_model,
    train_an_offloaded_model,
    load_in_meta_context,
    load_a_model_that_loads_another,
    load_a_model_that_reads_a_value,
    load_a_checkpoint_without_an_added_layer,
    load_a_tied_checkpoint_that_holds_only_the_head,
    save_an_offloaded_model,
    load_in_threads,
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
