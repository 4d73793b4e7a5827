"""MT019: Apertus models cannot be loaded by transformers 5.0.0."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    try:
        from transformers import ApertusConfig, ApertusForCausalLM
    except ImportError:
        return not_applicable("this release has no Apertus")
    config = ApertusConfig(
        hidden_size=_tiny.HIDDEN, intermediate_size=48, num_hidden_layers=_tiny.LAYERS, num_attention_heads=4,
        num_key_value_heads=2, vocab_size=_tiny.VOCABULARY, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    path = _tiny.saved(ApertusForCausalLM, config, os.path.join(workdir, "apertus"))
    try:
        model = ApertusForCausalLM.from_pretrained(path)
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
