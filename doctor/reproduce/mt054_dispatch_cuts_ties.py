"""MT054: dispatch_model silently separates tied weights.

On 0.14.0 and 0.15.0 a map without a GPU keeps the tie. "cpu:0" stands in for a GPU: it is not the text "cpu", and every tensor is moved.
"""

import _dispatch
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "cpu-embed-first": "accelerate alone, a tied pair on the CPU and a layer on disk; the embedding sorts first",
    "cpu-head-first": "the same; the head sorts first",
    "gpu-embed-first": "accelerate alone, a tied pair on a device that counts as a GPU; the embedding sorts first",
    "gpu-head-first": "the same; the head sorts first",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from accelerate import dispatch_model

    device, _, order = shape.partition("-")
    embed, head = _dispatch.ORDERS[order]
    model = _offload.fill(_dispatch.tied(order)).eval()
    model.tie_weights()
    places = {embed: "cpu", "mid": "disk", "low": "cpu", head: "cpu"}
    if device == "gpu":
        places = dict.fromkeys(places, "cpu:0")
    try:
        dispatch_model(model, places, main_device=places[embed], offload_dir=_offload.folder(workdir))
    except TypeError as error:
        # A tensor moved to "cpu:0" is no Parameter any more, as one moved to a GPU would be.
        if device == "gpu" and _offload.raised_in(error, "retie_parameters"):
            return not_reproduced("dispatch_model ties them again")
        raise
    if getattr(model, head).weight is not getattr(model, embed).weight:
        return reproduced(f"{embed}.weight and {head}.weight are two tensors after dispatch_model")
    return not_reproduced(f"{embed}.weight is {head}.weight after dispatch_model")
