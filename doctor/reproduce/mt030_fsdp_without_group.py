"""MT030: with ACCELERATE_USE_FSDP set and no process group from_pretrained returns garbage weights."""

import os
from typing import Any, Dict

import _files
import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "plain": "untied Llama, one file, plain load",
    "several-files": "the same, several files",
    "bin": "the same, one .bin file",
    "tied": "tied Llama, one file, plain load",
    "low-cpu-mem-usage": "untied Llama, one file, low_cpu_mem_usage",
    "control": "untied Llama, one file, plain load without the variable",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import LlamaForCausalLM

    path = os.path.join(workdir, "llama")
    saving = {"max_shard_size": "20KB"} if shape == "several-files" else {}
    _tiny.saved(LlamaForCausalLM, _tiny.llama_config(tie_word_embeddings=shape == "tied"), path, **saving)
    options: Dict[str, Any] = {"low_cpu_mem_usage": True} if shape == "low-cpu-mem-usage" else {}
    reference = _tiny.reference_state(path)
    original = LlamaForCausalLM.from_pretrained(path, **options)
    wrong = _tiny.differences(original, reference)
    if wrong:
        raise AssertionError("wrong without the variable: " + _tiny.summary(wrong))
    if shape == "bin":
        _files.as_bin(original, path)
    if shape != "control":
        os.environ["ACCELERATE_USE_FSDP"] = "true"
    _tiny.dirty_memory(*{tuple(tensor.shape) for tensor in reference.values()})
    wrong = _tiny.differences(LlamaForCausalLM.from_pretrained(path, **options), reference)
    if any(" is on meta" in each or " is gone" in each for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    if wrong:
        return reproduced("without an error, " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
