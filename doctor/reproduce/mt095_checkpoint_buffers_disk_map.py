"""MT095: buffers of modules mapped to disk are put on meta and the dispatch fails."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced

MESSAGES = ("Cannot copy out of meta tensor; no data!", "is on the meta device, we need a `value`")


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights, load_checkpoint_and_dispatch

    original = _offload.fill(_offload.buffered(persistent=True)).eval()
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.buffered(persistent=True)
    places = {"p": "disk", "b": "cpu"}
    try:
        load_checkpoint_and_dispatch(model, path, device_map=places, offload_folder=_offload.folder(workdir))
    except IndexError as error:
        if _offload.cpu_map_refused(error):
            return not_applicable("maps without a GPU are refused (before 0.14.0)")
        raise
    except (NotImplementedError, ValueError) as error:
        if any(message in str(error) for message in MESSAGES):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(_offload.run(model.eval(), _offload.vector()), _offload.run(original, _offload.vector())):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the loaded model gives the output of the original")
