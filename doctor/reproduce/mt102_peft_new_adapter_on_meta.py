"""MT102: get_peft_model over an offloaded base creates adapter weights on meta."""

import _offload
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced
from mt101_peft_redispatch_offloaded_base import offloaded


def reproduce(workdir: str) -> Verdict:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        return not_applicable("peft is not installed")
    base = offloaded(_tiny.saved_llama(workdir), _offload.folder(workdir))
    config = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    added = {name: value for name, value in model.named_parameters() if "lora_" in name}
    left = sorted(name for name, value in added.items() if value.device.type == "meta")
    if not added:
        raise AssertionError("no adapter weights were added")
    if left:
        return reproduced("no error, on meta: " + ", ".join(left))
    return not_reproduced(f"all {len(added)} adapter weights have values")
