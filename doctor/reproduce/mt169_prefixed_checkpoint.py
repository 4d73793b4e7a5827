"""MT169: a checkpoint whose names carry the prefix of a wrapper is loaded without any of its weights."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "module": "untied Llama, one safetensors file, every name after `module.`, as DataParallel and DDP have them",
    "orig-mod": "the same after `_orig_mod.`, as torch.compile has them",
    "base-model": "the same after `base_model.model.`, as PEFT has them",
    "control": "the same without a prefix",
}
PREFIXES = {"module": "module.", "orig-mod": "_orig_mod.", "base-model": "base_model.model.", "control": ""}


def reproduce(workdir: str, shape: str) -> Verdict:
    from safetensors.torch import load_file, save_file
    from transformers import LlamaForCausalLM

    path = os.path.join(workdir, "llama")
    _tiny.saved(LlamaForCausalLM, _tiny.llama_config(), path, safe_serialization=True)
    file = os.path.join(path, "model.safetensors")
    save_file({PREFIXES[shape] + name: tensor for name, tensor in load_file(file).items()}, file, metadata={"format": "pt"})
    reference = {name: tensor for name, tensor in _tiny.reference_state(path).items() if "weight" in name}
    wrong = _tiny.differences(LlamaForCausalLM.from_pretrained(path), reference)
    if not wrong:
        return not_reproduced("all %d weights as in the file" % len(reference))
    return reproduced("without an error, %d of %d weights are not those of the file" % (len(wrong), len(reference)))
