"""MT074: a checkpoint that lacks a parameter leaves it on meta and the dispatch fails."""

import _files
import _offload
from _dispatch import NO_VALUE, load_and_dispatch
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "all-on-cpu": "accelerate alone, one .bin file that lacks a bias, the map names the CPU only",
    "layer-on-disk": "accelerate alone, one .bin file that lacks a bias, another layer on disk",
    "safetensors-file": "as the second, one safetensors file",
    "several-files": "as the second, two .bin files",
    "control": "the same with a complete file",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights

    original = _offload.fill(_offload.stack()).eval()
    form = {"safetensors-file": "one-safetensors", "several-files": "several-bin"}.get(shape, "one-bin")
    path = _files.state_file(original, workdir, form, leave_out=[] if shape == "control" else ["b.bias"])
    with init_empty_weights():
        model = _offload.stack()
    places = {"": "cpu"} if shape == "all-on-cpu" else {"a": "cpu", "m": "disk", "b": "cpu"}
    try:
        load_and_dispatch(model, path, places, _offload.folder(workdir))
        result = _offload.run(model.eval(), _offload.vector())
    except (NotImplementedError, ValueError) as error:
        if any(said in str(error) for said in NO_VALUE):
            return reproduced(_offload.first_line(error))
        raise
    except KeyError as error:
        if error.args == ("b.bias",):
            return reproduced("KeyError: 'b.bias' in the forward")
        raise
    if not torch.equal(result, _offload.run(original, _offload.vector())):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the loaded model gives the output of the original")
