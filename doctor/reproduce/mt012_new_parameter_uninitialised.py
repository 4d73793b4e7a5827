"""MT012: an added nn.Parameter that the checkpoint lacks comes back as uninitialised memory from a plain load."""

import os

import _added_parameter
import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "one-file": "untied Llama with a parameter more than its one file, a plain load",
    "sharded": "the same from several files",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import LlamaForCausalLM

    size = "20KB" if shape == "sharded" else "5GB"
    path = _tiny.saved(LlamaForCausalLM, _tiny.llama_config(), os.path.join(workdir, "llama"), max_shard_size=size)
    wrong = _added_parameter.lost(path)
    if wrong:
        return reproduced(wrong[0])
    return not_reproduced("the parameter has the value given in __init__")
