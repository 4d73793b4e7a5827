"""MT028: resize_token_embeddings fails on a model built on meta."""

from typing import Any

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "llama-empty-weights": "untied Llama, built under init_empty_weights and resized",
    "llama-torch-device": 'the same, built under torch.device("meta")',
    "gpt2-tied": "tied GPT-2, built under init_empty_weights and resized",
    "bert-head": "BertForMaskedLM, whose head has a bias, built under init_empty_weights and resized",
    "t5-encoder-decoder": "T5, built under init_empty_weights and resized",
    "control": "untied Llama, built under init_empty_weights and resized with mean_resizing=False where the release has it",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    model = _on_meta(shape)
    options = {"mean_resizing": False} if shape == "control" and _tiny.release() >= (4, 46) else {}
    try:
        model.resize_token_embeddings(_tiny.VOCABULARY + 6, **options)
    except RuntimeError as error:
        if _tiny.is_value_error_on_meta(error):
            return reproduced(_tiny.first_line(error))
        raise
    rows = model.get_input_embeddings().weight.shape[0]
    if rows != _tiny.VOCABULARY + 6:
        raise AssertionError("resized to %d rows" % rows)
    return not_reproduced("resized to %d rows" % rows)


def _on_meta(shape: str) -> Any:
    import torch
    import transformers
    from accelerate import init_empty_weights

    with torch.device("meta") if shape == "llama-torch-device" else init_empty_weights():
        if shape == "gpt2-tied":
            return transformers.GPT2LMHeadModel(_tiny.gpt2_config())
        if shape == "bert-head":
            return transformers.BertForMaskedLM(_tiny.bert_config())
        if shape == "t5-encoder-decoder":
            config = transformers.T5Config(d_model=_tiny.HIDDEN, d_kv=8, d_ff=48, num_layers=1, num_heads=4, vocab_size=_tiny.VOCABULARY)
            return transformers.T5ForConditionalGeneration(config)
        return transformers.LlamaForCausalLM(_tiny.llama_config())
