"""MT053: the tied name that the checkpoint leaves out stays on meta and dispatch fails."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights, load_checkpoint_and_dispatch

    original = _offload.fill(_offload.tied()).eval()
    original.tie_weights()
    expected = _offload.run(original, _offload.ids())
    path = _offload.checkpoint(original, workdir, leave_out=["head.weight"])
    with init_empty_weights():
        model = _offload.tied()
    model.tie_weights()
    places = {"embed": "cpu", "mid": "disk", "low": "cpu", "head": "cpu"}
    try:
        load_checkpoint_and_dispatch(model, path, device_map=places, offload_folder=_offload.folder(workdir))
    except IndexError as error:
        if _offload.cpu_map_refused(error):
            return not_applicable("maps without a GPU are refused (before 0.14.0)")
        raise
    except ValueError as error:
        if "is on the meta device, we need a `value`" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(_offload.run(model.eval(), _offload.ids()), expected):
        raise AssertionError("loaded without an error, but the output differs")
    return not_reproduced("the loaded model gives the output of the original")
