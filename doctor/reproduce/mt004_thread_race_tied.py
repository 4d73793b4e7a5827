"""MT004: from_pretrained of a tied model in several threads leaves the tied head on meta, for later loads too.

A race: `not reproduced` stands for 160 loads in four threads, in 40 rounds, all bit for bit right. On affected releases a few
rounds are enough.
"""

import os
from typing import Any, Dict, List

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "llama-tied": "tied Llama, one file, plain loads in four threads",
    "llama-several-files": "the same, several files",
    "llama-device-map": 'the same, one file, device_map={"": "cpu"}',
    "gpt2-tied": "tied GPT-2, one file, plain loads in four threads",
    "t5-tied": "tied T5, whose embedding has three names, one file, plain loads in four threads",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    if _tiny.release() < (5, 0):
        return not_applicable("tie_weights is not replaced while loading before 5.0.0; 4.51 - 4.57 have another race, MT002")
    model_class, config = _model(shape.partition("-")[0])
    path = _tiny.saved(model_class, config, os.path.join(workdir, "model"), **({"max_shard_size": "20KB"} if shape.endswith("files") else {}))
    options: Dict[str, Any] = {"device_map": {"": "cpu"}} if shape == "llama-device-map" else {}
    reference = _tiny.reference_state(path)

    def load() -> Any:
        return model_class.from_pretrained(path, **options)

    def check(model: Any) -> List[str]:
        return _tiny.differences(model, reference)

    wrong = check(load())
    if wrong:
        raise AssertionError("wrong already without threads: " + _tiny.summary(wrong))
    wrong = _tiny.load_in_threads(load, check)
    if not wrong:
        return not_reproduced("160 loads in 4 threads, every one with all %d tensors as in the reference" % len(reference))
    if any(" is on meta" not in each for each in wrong):
        raise AssertionError("wrong in another way: " + "; ".join(wrong))
    afterwards = check(load())
    return reproduced("%s; the next load in one thread: %s" % (wrong[0], _tiny.summary(afterwards) if afterwards else "right"))


def _model(name: str) -> Any:
    from transformers import GPT2LMHeadModel, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

    if name == "t5":
        config = T5Config(d_model=_tiny.HIDDEN, d_kv=8, d_ff=48, num_layers=1, num_heads=4, vocab_size=_tiny.VOCABULARY, decoder_start_token_id=0)
        return T5ForConditionalGeneration, config
    if name == "gpt2":
        return GPT2LMHeadModel, _tiny.gpt2_config()
    return LlamaForCausalLM, _tiny.llama_config(tie_word_embeddings=True)
