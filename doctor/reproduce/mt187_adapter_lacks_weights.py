"""MT187: what an adapter's file lacks stays on meta with low_cpu_mem_usage, and the forward computes with it without an error."""

import os

import _adapter
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "layer": "a LoRA whose file lacks the second layer, low_cpu_mem_usage=True",
    "projection": "a LoRA whose file lacks every v_proj, the same",
    "control": "the second layer lacking, without low_cpu_mem_usage",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file, save_file

    if shape != "control" and not _adapter.takes_low_cpu_mem_usage():
        return not_applicable("this release of peft has no low_cpu_mem_usage")
    path = _adapter.saved(workdir)
    file = os.path.join(path, "adapter_model.safetensors")
    lacking = "v_proj" if shape == "projection" else "layers.1."
    save_file({name: tensor for name, tensor in load_file(file).items() if lacking not in name}, file)
    options = {} if shape == "control" else {"low_cpu_mem_usage": True}
    model = PeftModel.from_pretrained(_adapter.base(), path, **options).eval()
    left = _tiny.on_meta(model)
    if not left:
        return not_reproduced("what the file lacks is as it was drawn, and without effect")
    try:
        with torch.no_grad():
            device = model(torch.arange(8)[None]).logits.device.type
    except (NotImplementedError, RuntimeError) as error:
        return reproduced("%s is on meta; %s" % (left[0], _tiny.first_line(error)[:80]))
    return reproduced("without an error, %s is on meta; the forward gives logits on %s" % (left[0], device))
