"""MT059: include_buffers=True leaves non-persistent buffers on meta for good."""

import _offload
from _dispatch import NO_VALUE, load_and_dispatch
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "argument": "accelerate alone, init_empty_weights(include_buffers=True), one .bin file, the map names the CPU only",
    "control": "the same with include_buffers=False",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights

    original = _offload.fill(_offload.buffered(persistent=False)).eval()
    path = _offload.checkpoint(original, workdir)
    try:
        with init_empty_weights(include_buffers=shape != "control"):
            model = _offload.buffered(persistent=False)
    except TypeError as error:
        if "register_empty_buffer() got an unexpected keyword argument" in str(error):
            return not_reproduced("such a model cannot be built under include_buffers=True (MT058)")
        raise
    try:
        load_and_dispatch(model, path, {"": "cpu"}, _offload.folder(workdir))
    except (NotImplementedError, ValueError) as error:
        if any(said in str(error) for said in NO_VALUE) and _offload.on_meta(model) == ["p.c.scale"]:
            return reproduced(_offload.first_line(error))
        raise
    if "p.c.scale" in _offload.on_meta(model):
        return reproduced("left on meta without an error: p.c.scale")
    if not torch.equal(_offload.run(model.eval(), _offload.vector()), _offload.run(original, _offload.vector())):
        return reproduced("no error, but the output differs from that of the original")
    return not_reproduced("the loaded model gives the output of the original")
