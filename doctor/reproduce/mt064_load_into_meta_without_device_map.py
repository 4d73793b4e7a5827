"""MT064: loading a checkpoint into a meta model without a device_map loads nothing."""

import _files
import _no_map
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "wholly-on-meta": "accelerate alone, load_checkpoint_in_model, every parameter on meta, a .bin file",
    "one-layer-on-meta": "accelerate alone, load_checkpoint_in_model, one layer on meta, a .bin file",
    "safetensors-file": "the same as the first, a safetensors file",
    "several-files": "the same, two .bin files",
    "dispatch": "the same through load_checkpoint_and_dispatch, a .bin file",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    original = _offload.fill(_offload.stack())
    path = _files.state_file(original, workdir, {"safetensors-file": "one-safetensors", "several-files": "several-bin"}.get(shape, "one-bin"))
    model = _no_map.stack_on_meta(shape == "one-layer-on-meta")
    left = _no_map.load(model, path, dispatch=shape == "dispatch")
    if left == "refused":
        return not_reproduced("not silent: the load asks for a process group (MT065)")
    if left:
        return reproduced("no error, still on meta: " + left)
    if _offload.differing(model, original.state_dict()):
        raise AssertionError("off meta, but the values are not those of the checkpoint")
    return not_reproduced(f"all {len(original.state_dict())} tensors equal those of the checkpoint")
