"""Runs inside a patient, for tools/fit_measured.py: well-known models by their headers alone, and how large others say they are.

    python fit_sizes.py make FOLDER       # writes configuration and header of each in bfloat16; says what accelerate computes
    python fit_sizes.py hf-mem FOLDER     # in an environment with hf-mem: what it says of each, with the folder in place of the hub

One JSON object a line. Standard library and the patient's packages only.
"""

import json
import os
import sys
import warnings

LLAMA = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
}  # fmt: skip
MODELS = {
    "Llama-3.1-8B": ("LlamaForCausalLM", "LlamaConfig", dict(LLAMA, vocab_size=128256, tie_word_embeddings=False)),
    "Qwen2.5-0.5B": (
        "Qwen2ForCausalLM", "Qwen2Config",
        {
            "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
            "vocab_size": 151936, "tie_word_embeddings": True,
        },
    ),
    "t5-base": ("T5ForConditionalGeneration", "T5Config", {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12, "vocab_size": 32128}),
    "Mixtral-8x7B": ("MixtralForCausalLM", "MixtralConfig", dict(LLAMA, vocab_size=32000, tie_word_embeddings=False)),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {}),
}  # fmt: skip


def make(folder):
    import transformers
    from accelerate import init_empty_weights
    from accelerate.utils import calculate_maximum_sizes

    for name, (model_class, config_class, options) in MODELS.items():
        config = getattr(transformers, config_class)(torch_dtype="bfloat16", **options)
        with init_empty_weights():
            model = getattr(transformers, model_class)(config)
        config.architectures = [model_class]
        place = os.path.join(folder, name)
        config.save_pretrained(place)
        as_built, _ = calculate_maximum_sizes(model)
        model.tie_weights()
        write_header(os.path.join(place, "model.safetensors"), model)
        say(name=name, accelerate=as_built // 2)


def write_header(path, model):
    """As save_pretrained would write it, each tied weight once; no disk holds the nothing that follows it."""
    header, end, seen = {"__metadata__": {"format": "pt"}}, 0, set()
    for name, parameter in model.named_parameters():
        if id(parameter) not in seen:
            seen.add(id(parameter))
            header[name] = {"dtype": "BF16", "shape": list(parameter.shape), "data_offsets": [end, end + 2 * parameter.numel()]}
            end += 2 * parameter.numel()
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


def by_hf_mem(folder):
    import hf_mem
    import httpx2

    def answer(request):
        _, name, *rest = request.url.path.replace("/api/models", "").split("/")
        if rest[0] == "tree":
            return httpx2.Response(200, json=[{"type": "file", "path": each} for each in os.listdir(os.path.join(folder, name))])
        first, _, last = request.headers.get("Range", "bytes=0-100000").partition("=")[2].partition("-")
        with open(os.path.join(folder, name, rest[-1]), "rb") as file:
            file.seek(int(first))
            return httpx2.Response(206, content=file.read(int(last) + 1 - int(first)))

    client = httpx2.AsyncClient
    httpx2.AsyncClient = lambda **options: client(transport=httpx2.MockTransport(answer))
    for name in MODELS:
        say(name=name, hf_mem=hf_mem.run(name).memory)


def say(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    {"make": make, "hf-mem": by_hf_mem}[sys.argv[1]](sys.argv[2])
