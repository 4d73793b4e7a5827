"""A small untied causal model with its second layer on disk, in every release: Llama is there from 4.28.0 on, GPT-2 always."""

import os
from typing import Any, Tuple

import _tiny

_PARTS = {
    "llama": ("model.embed_tokens", "model.layers.0", "model.norm", "lm_head", "model.rotary_emb"),
    "gpt2": ("transformer.wte", "transformer.wpe", "transformer.h.0", "transformer.ln_f", "lm_head"),
}
_ON_DISK = {"llama": "model.layers.1", "gpt2": "transformer.h.1"}


def saved(workdir: str, name: str, **save_options: Any) -> Tuple[Any, str]:
    """The class of the model `name` and the directory of a checkpoint; the class is None where this release has no such model."""
    import transformers

    if name == "llama" and _tiny.release() < (4, 28):
        return None, ""
    model_class = getattr(transformers, {"llama": "LlamaForCausalLM", "gpt2": "GPT2LMHeadModel"}[name])
    config = _tiny.llama_config() if name == "llama" else _tiny.gpt2_config(tie_word_embeddings=False)
    return model_class, _tiny.saved(model_class, config, os.path.join(workdir, name), **save_options)


def with_layer_on_disk(model_class: Any, path: str, name: str, workdir: str) -> Any:
    """The model loaded with its second layer on disk."""
    places = dict(dict.fromkeys(_PARTS[name], "cpu"), **{_ON_DISK[name]: "disk"})
    return model_class.from_pretrained(path, device_map=places, offload_folder=offload_folder(workdir))


def offload_folder(workdir: str) -> str:
    """A new folder: before 4.21.0 from_pretrained does not make it."""
    path = os.path.join(workdir, "offload")
    os.makedirs(path)
    return path


def takes_device_map() -> bool:
    """Whether from_pretrained has a device_map: from 4.20.0 on."""
    return _tiny.release() >= (4, 20)
