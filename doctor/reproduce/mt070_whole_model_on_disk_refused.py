"""MT070: a device_map that sends the whole model to disk is refused."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights, load_checkpoint_and_dispatch

    original = _offload.fill(_offload.stack()).eval()
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.stack()
    places = {"a": "disk", "m": "disk", "b": "disk"}
    try:
        load_checkpoint_and_dispatch(model, path, device_map=places, offload_folder=_offload.folder(workdir))
    except ValueError as error:
        if "You are trying to offload the whole model to the disk." in str(error):
            return reproduced(_offload.first_line(error))
        raise
    except IndexError as error:
        if _offload.raised_in(error, "dispatch_model"):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(_offload.run(model.eval(), _offload.vector()), _offload.run(original, _offload.vector())):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the model on disk gives the output of the original")
