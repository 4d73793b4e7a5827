"""MT036: the position tables of M2M100 and XGLM stay on meta with low_cpu_mem_usage=True."""

import os
from typing import Any

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "m2m100": "M2M100ForConditionalGeneration, one file, low_cpu_mem_usage=True",
    "xglm": "XGLMForCausalLM, one file, low_cpu_mem_usage=True",
    "control": "M2M100ForConditionalGeneration, one file, no options",
}
SIZES = {
    "d_model": _tiny.HIDDEN, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "vocab_size": _tiny.VOCABULARY, "max_position_embeddings": 64,
}  # fmt: skip


def reproduce(workdir: str, shape: str) -> Verdict:
    model_class, config = _model(shape)
    path = _tiny.saved(model_class, config, os.path.join(workdir, shape))
    loaded = model_class.from_pretrained(path, **({} if shape == "control" else {"low_cpu_mem_usage": True}))
    left = [name for name in _tiny.on_meta(loaded) if "embed_positions" in name]
    if left:
        try:
            loaded.to("cpu")
        except NotImplementedError as error:
            if _tiny.is_meta_error(error):
                return reproduced("%s on meta; %s" % (", ".join(left), _tiny.first_line(error)))
            raise
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(loaded, reference)
    if wrong and all("embed_positions" in each for each in wrong):
        return reproduced("without an error, " + _tiny.summary(wrong))
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))


def _model(shape: str) -> Any:
    import transformers

    if shape == "xglm":
        config = transformers.XGLMConfig(
            d_model=_tiny.HIDDEN, num_layers=1, attention_heads=4, ffn_dim=48, vocab_size=_tiny.VOCABULARY, max_position_embeddings=64
        )
        return transformers.XGLMForCausalLM, config
    return transformers.M2M100ForConditionalGeneration, transformers.M2M100Config(**SIZES)
