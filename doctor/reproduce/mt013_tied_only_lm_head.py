"""MT013: a tied model whose checkpoint holds only lm_head.weight loads with embed_tokens on meta."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")
    from safetensors.torch import load_file, save_file
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir, tie_word_embeddings=True)
    file = os.path.join(path, "model.safetensors")
    if not os.path.exists(file):
        LlamaForCausalLM.from_pretrained(path).save_pretrained(path, safe_serialization=True)
        os.remove(os.path.join(path, "pytorch_model.bin"))
    tensors = load_file(file)
    shared = tensors.pop("model.embed_tokens.weight")
    tensors["lm_head.weight"] = shared
    save_file(tensors, file, metadata={"format": "pt"})
    model = LlamaForCausalLM.from_pretrained(path)
    try:
        model.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error) and "model.embed_tokens.weight" in _tiny.on_meta(model):
            return reproduced("model.embed_tokens.weight is on meta; " + _tiny.first_line(error))
        raise
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
