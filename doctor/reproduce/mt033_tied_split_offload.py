"""MT033: a device_map that puts one name of a tied weight on disk and the other elsewhere fails."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

MAP = {"shared": "disk", "encoder": "cpu", "decoder": "disk", "lm_head": "cpu"}


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        d_model=_tiny.HIDDEN, d_kv=8, d_ff=48, num_layers=1, num_decoder_layers=1, num_heads=4, vocab_size=_tiny.VOCABULARY,
        decoder_start_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    path = _tiny.saved(T5ForConditionalGeneration, config, os.path.join(workdir, "t5"))
    tokens = torch.tensor([[5, 6, 7, 1]])
    expected = T5ForConditionalGeneration.from_pretrained(path).eval()(input_ids=tokens, decoder_input_ids=tokens).logits
    try:
        model = T5ForConditionalGeneration.from_pretrained(path, device_map=MAP, offload_folder=os.path.join(workdir, "offload"))
    except ValueError as error:
        if "weight is on the meta device, we need a `value` to put in on" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    logits = model.eval()(input_ids=tokens, decoder_input_ids=tokens).logits
    if not torch.equal(logits.cpu(), expected):
        raise AssertionError("dispatched, but the logits differ")
    return not_reproduced("dispatched; logits as without a device_map")
