"""MT070: a device_map that sends the whole model to disk is refused."""

import _offload
from _dispatch import load_and_dispatch
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "every-module": 'accelerate alone, the map names every module, each on "disk"',
    "one-entry": 'accelerate alone, the map is {"": "disk"}',
}
MAPS = {"every-module": {"a": "disk", "m": "disk", "b": "disk"}, "one-entry": {"": "disk"}}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights

    original = _offload.fill(_offload.stack()).eval()
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.stack()
    try:
        load_and_dispatch(model, path, MAPS[shape], _offload.folder(workdir))
    except ValueError as error:
        if "You are trying to offload the whole model to the disk." in str(error):
            return reproduced(_offload.first_line(error))
        raise
    except IndexError as error:
        if _offload.raised_in(error, "dispatch_model"):
            return reproduced(_offload.first_line(error))
        raise
    except (NotImplementedError, RuntimeError) as error:
        if "disk" in str(error):
            return reproduced(_offload.first_line(error)[:160])
        raise
    if not torch.equal(_offload.run(model.eval(), _offload.vector()), _offload.run(original, _offload.vector())):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the model on disk gives the output of the original")
