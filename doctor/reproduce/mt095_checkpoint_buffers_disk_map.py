"""MT095: buffers of modules mapped to disk are put on meta and the dispatch fails."""

import _offload
from _dispatch import NO_VALUE, load_and_dispatch
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "block": "accelerate alone, one .bin file, the block that holds the buffer on disk",
    "layer": "the same, the layer with the buffer itself on disk",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights

    original = _offload.fill(_offload.buffered(persistent=True)).eval()
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.buffered(persistent=True)
    places = {"p" if shape == "block" else "p.c": "disk", "b": "cpu"}
    try:
        load_and_dispatch(model, path, places, _offload.folder(workdir))
    except (NotImplementedError, ValueError) as error:
        if any(message in str(error) for message in NO_VALUE):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(_offload.run(model.eval(), _offload.vector()), _offload.run(original, _offload.vector())):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the loaded model gives the output of the original")
