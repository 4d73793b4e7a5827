"""MT002: plain from_pretrained in several threads leaves parameters on meta.

A race: `not reproduced` stands for 160 loads in four threads, in 40 rounds, all bit for bit right. On affected releases a few
rounds are enough.
"""

import os
from typing import Any, List

import _files
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "llama-untied": "untied Llama, one file, plain loads in four threads",
    "llama-several-files": "the same, several files",
    "llama-bin": "the same, one .bin file",
    "gpt2-tied": "tied GPT-2, one file, plain loads in four threads",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import GPT2LMHeadModel, LlamaForCausalLM

    if shape == "gpt2-tied" and _tiny.release() >= (5, 1):
        return not_applicable("a tied model has a race of its own from 5.1.0 on, MT004")
    model_class, config = (GPT2LMHeadModel, _tiny.gpt2_config()) if shape == "gpt2-tied" else (LlamaForCausalLM, _tiny.llama_config())
    options = {"max_shard_size": "20KB"} if shape == "llama-several-files" else {}
    path = _tiny.saved(model_class, config, os.path.join(workdir, "model"), **options)
    if shape == "llama-bin":
        _files.as_bin(model_class.from_pretrained(path), path)
    reference = _tiny.reference_state(path)

    def load() -> Any:
        return model_class.from_pretrained(path).to("cpu")

    def check(model: Any) -> List[str]:
        return _tiny.differences(model, reference)

    wrong = check(load())
    if wrong:
        raise AssertionError("wrong already without threads: " + _tiny.summary(wrong))
    wrong = _tiny.load_in_threads(load, check)
    if wrong:
        return reproduced(_tiny.summary(wrong))
    return not_reproduced("160 loads in 4 threads, every one with all %d tensors as in the reference" % len(reference))
