"""MT168: a file that holds two different tensors for a tied pair is loaded untied."""

import json
import os

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "llama": "untied Llama, one file, tie_word_embeddings set in its config.json",
    "gpt2": "untied GPT-2, the same",
    "control": "untied Llama, the same, and the head in the file is the embedding",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from safetensors.torch import load_file, save_file

    model_class, path = _causal.saved(workdir, "gpt2" if shape == "gpt2" else "llama", safe_serialization=True)
    if model_class is None:
        return not_applicable("this release has no Llama")
    file, config = os.path.join(path, "model.safetensors"), os.path.join(path, "config.json")
    state = load_file(file)
    if shape == "control":
        state["lm_head.weight"] = state["model.embed_tokens.weight"].clone()
        save_file(state, file, metadata={"format": "pt"})
    with open(config, encoding="utf-8") as said:
        settings = json.load(said)
    settings["tie_word_embeddings"] = True
    with open(config, "w", encoding="utf-8") as said:
        json.dump(settings, said)
    model = model_class.from_pretrained(path)
    left = _tiny.on_meta(model)
    if left:
        raise AssertionError("on meta: " + ", ".join(left))
    if model.get_output_embeddings().weight is model.get_input_embeddings().weight:
        return not_reproduced("tied, as the configuration says")
    return reproduced("without an error, the pair is not tied")
