"""MT054: dispatch_model silently separates tied weights.

From 0.14.0 to 0.15.0 a map without a GPU keeps the tie; whether a GPU map cuts it cannot be seen on a CPU.
"""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import accelerate.utils.modeling
    from accelerate import dispatch_model

    model = _offload.fill(_offload.tied()).eval()
    model.tie_weights()
    places = {"embed": "cpu", "mid": "disk", "low": "cpu", "head": "cpu"}
    dispatch_model(model, places, main_device="cpu", offload_dir=_offload.folder(workdir))
    if model.head.weight is not model.embed.weight:
        return reproduced("embed.weight and head.weight are two tensors after dispatch_model")
    if not hasattr(accelerate.utils.modeling, "retie_parameters"):
        return not_applicable("tie kept on the CPU, but nothing re-ties: only a GPU map can tell")
    return not_reproduced("embed.weight is head.weight after dispatch_model")
