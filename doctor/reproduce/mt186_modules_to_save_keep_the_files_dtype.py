"""MT186: with low_cpu_mem_usage PEFT loads modules_to_save in the dtype of the adapter's file, and the forward fails."""

import _adapter
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "low-cpu-mem-usage": "a float32 adapter with modules_to_save=['lm_head'] over a bfloat16 base, low_cpu_mem_usage=True",
    "control": "the same without low_cpu_mem_usage",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from peft import PeftModel

    if shape != "control" and not _adapter.takes_low_cpu_mem_usage():
        return not_applicable("this release of peft has no low_cpu_mem_usage")
    path = _adapter.saved(workdir, modules_to_save=["lm_head"])
    options = {} if shape == "control" else {"low_cpu_mem_usage": True}
    model = PeftModel.from_pretrained(_adapter.base(torch.bfloat16), path, **options).eval()
    try:
        with torch.no_grad():
            model(torch.arange(8)[None])
    except RuntimeError as error:
        if "dtype" in str(error):
            return reproduced(_tiny.first_line(error)[:100])
        raise
    return not_reproduced("the forward works")
