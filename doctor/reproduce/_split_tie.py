"""Loading tied models by transformers with a device_map that puts some names of the tied weight on disk."""

import os
from typing import Any, Dict, Tuple

import _tiny


def llama(workdir: str, **places: str) -> Tuple[Any, Dict[str, str]]:
    """The path of a tied Llama whose one file holds the embedding, and a device_map: `embed` and `head` where told."""
    from transformers import LlamaForCausalLM

    names = {"model.embed_tokens": places["embed"], "lm_head": places["head"], "model.layers.1": "cpu"}
    path = _saved(LlamaForCausalLM, _tiny.llama_config(tie_word_embeddings=True), os.path.join(workdir, "llama"))
    return path, dict(_tiny.LAYER_ON_DISK, **names)


def gpt2(workdir: str, **places: str) -> Tuple[Any, Dict[str, str]]:
    """The same of a GPT-2, where the name of the head sorts first."""
    from transformers import GPT2LMHeadModel

    path = _saved(GPT2LMHeadModel, _tiny.gpt2_config(), os.path.join(workdir, "gpt2"))
    names = {"transformer.wpe": "cpu", "transformer.h": "cpu", "transformer.ln_f": "cpu", "transformer.drop": "cpu"}
    return path, dict(names, **{"transformer.wte": places["embed"], "lm_head": places["head"]})


def _saved(model_class: Any, config: Any, path: str) -> str:
    """The tied tensor once in one safetensors file, which 4.23 to 4.27 read and cannot write; a .bin file where they are not read."""
    import torch

    if not _tiny.has_safetensors() or _tiny.release() < (4, 23):
        return _tiny.saved(model_class, config, path)
    from safetensors.torch import save_file

    torch.manual_seed(20261122)
    model = model_class(config)
    model.config.save_pretrained(path)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    save_file(tensors, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    _tiny.keep_reference(path, model)
    return path


def t5(workdir: str) -> str:
    """The path of a tied T5."""
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        d_model=_tiny.HIDDEN, d_kv=8, d_ff=48, num_layers=1, num_decoder_layers=1, num_heads=4, vocab_size=_tiny.VOCABULARY,
        decoder_start_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    return _tiny.saved(T5ForConditionalGeneration, config, os.path.join(workdir, "t5"))


def inputs(model_class: Any) -> Dict[str, Any]:
    """What a forward of this class takes."""
    import torch

    tokens = torch.tensor([[1, 5, 6, 7]])
    both = {"decoder_input_ids": tokens} if model_class.__name__.startswith("T5") else {}
    return dict({"input_ids": tokens}, **both)


def logits(model: Any) -> Any:
    """Of one forward."""
    import torch

    with torch.no_grad():
        return model.eval()(**inputs(type(model))).logits


def loaded(model_class: Any, path: str, places: Dict[str, str], workdir: str) -> Any:
    """The model with its parts where `places` says."""
    return model_class.from_pretrained(path, device_map=places, offload_folder=os.path.join(workdir, "offload"))


def missing_from_index(head: Any) -> bool:
    """Whether the offloaded weight of the dispatched module `head` cannot be found under its name."""
    try:
        head._hf_hook.weights_map["weight"]
    except KeyError as error:
        return error.args == ("lm_head.weight",)
    return False
