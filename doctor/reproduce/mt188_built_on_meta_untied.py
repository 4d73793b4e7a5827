"""MT188: a tied model built under torch.device("meta") is not tied."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "gpt2": "GPT-2 built under torch.device('meta')",
    "bert": "BertForMaskedLM built so",
    "control": "GPT-2 built on the CPU",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import BertForMaskedLM, GPT2LMHeadModel

    with torch.device("cpu" if shape == "control" else "meta"):
        model = BertForMaskedLM(_tiny.bert_config()) if shape == "bert" else GPT2LMHeadModel(_tiny.gpt2_config())
    if model.get_output_embeddings().weight is model.get_input_embeddings().weight:
        return not_reproduced("the head and the embedding are one parameter")
    return reproduced("without an error, the head and the embedding are two parameters")
