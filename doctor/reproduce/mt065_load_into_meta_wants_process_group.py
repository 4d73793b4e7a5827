"""MT065: loading into a meta model without a device_map asks for a distributed process group."""

import _files
import _no_map
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "wholly-on-meta": "accelerate alone, load_checkpoint_in_model, every parameter on meta, a .bin file",
    "safetensors-file": "the same as the first, a safetensors file",
    "several-files": "the same, two .bin files",
    "dispatch": "the same through load_checkpoint_and_dispatch, a .bin file",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    original = _offload.fill(_offload.stack())
    path = _files.state_file(original, workdir, {"safetensors-file": "one-safetensors", "several-files": "several-bin"}.get(shape, "one-bin"))
    model = _no_map.stack_on_meta(one_layer=False)
    left = _no_map.load(model, path, dispatch=shape == "dispatch")
    if left == "refused":
        return reproduced("ValueError: Default process group has not been initialized, please make sure to call init_process_group.")
    if left:
        return not_reproduced("no process group asked for, but nothing is loaded: that is MT064")
    if _offload.differing(model, original.state_dict()):
        raise AssertionError("off meta, but the values are not those of the checkpoint")
    return not_reproduced(f"all {len(original.state_dict())} tensors equal those of the checkpoint")
