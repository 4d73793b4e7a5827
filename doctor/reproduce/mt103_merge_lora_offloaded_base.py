"""MT103: merging a LoRA over an offloaded base loses the offloaded layers or is refused.

The adapter is added, not loaded, because loading one over an offloaded base fails before (MT101).
"""

import _offload
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced
from mt101_peft_redispatch_offloaded_base import offloaded


def reproduce(workdir: str) -> Verdict:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        return not_applicable("peft is not installed")
    path = _tiny.saved_llama(workdir)
    reference = _tiny.reference_state(path)
    config = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM", init_lora_weights=False)
    model = get_peft_model(offloaded(path, _offload.folder(workdir)), config)
    try:
        merged = model.merge_and_unload()
    except (RuntimeError, NotImplementedError) as error:
        if "meta" in str(error) and _offload.raised_in(error, "merge_and_unload"):
            return reproduced(_offload.first_line(error))
        raise
    target = _offload.folder(workdir, "merged")
    try:
        merged.save_pretrained(target)
    except NotImplementedError as error:
        if "Cannot copy out of meta tensor; no data!" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    return judge(target, reference)


def judge(target: str, reference: object) -> Verdict:
    """Whether the layer that was on disk is in the saved file with the adapter merged in."""
    import os

    import torch
    from safetensors.torch import load_file

    state = load_file(os.path.join(target, "model.safetensors"))
    kept, lost = "model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.q_proj.weight"
    if torch.equal(state[kept], reference[kept]):
        raise AssertionError("the adapter was not merged even into the layer on the CPU")
    if lost not in state:
        return reproduced("no error, but the merged file lacks " + lost)
    if torch.equal(state[lost], reference[lost]):
        return reproduced("no error, but the merged file holds the base value of " + lost)
    return not_reproduced("both layers are in the merged file with the adapter added")
