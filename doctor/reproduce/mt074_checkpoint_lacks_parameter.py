"""MT074: a checkpoint that lacks a parameter leaves it on meta and the dispatch fails."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced

MESSAGES = ("Cannot copy out of meta tensor; no data!", "is on the meta device, we need a `value`")


def reproduce(workdir: str) -> Verdict:
    from accelerate import init_empty_weights, load_checkpoint_and_dispatch

    original = _offload.fill(_offload.stack())
    path = _offload.checkpoint(original, workdir, leave_out=["b.bias"])
    with init_empty_weights():
        model = _offload.stack()
    try:
        load_checkpoint_and_dispatch(model, path, device_map={"": "cpu"})
    except IndexError as error:
        if _offload.cpu_map_refused(error):
            return not_applicable("maps without a GPU are refused (before 0.14.0)")
        raise
    except (NotImplementedError, ValueError) as error:
        if any(message in str(error) for message in MESSAGES) and _offload.on_meta(model) == ["b.bias"]:
            return reproduced(_offload.first_line(error))
        raise
    if _offload.on_meta(model):
        return reproduced("no error, but left on meta: " + ", ".join(_offload.on_meta(model)))
    return not_reproduced("the parameter that the checkpoint lacks was given a value")
