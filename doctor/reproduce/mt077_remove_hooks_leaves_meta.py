"""MT077: removing the hooks after a disk load leaves parameters on meta."""

import _offload
from _dispatch import load_and_dispatch
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "last-layer-on-disk": "accelerate alone, the last layer on disk, hooks removed",
    "first-layer-on-disk": "accelerate alone, the first layer on disk, hooks removed",
    "from-module": "the last layer on disk, hooks removed with remove_hook_from_module(recurse=True)",
    "control": "the hooks are kept, and the model runs",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights
    from accelerate.hooks import remove_hook_from_module, remove_hook_from_submodules

    original = _offload.fill(_offload.stack()).eval()
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.stack().eval()
    on_disk = "a" if shape == "first-layer-on-disk" else "b"
    load_and_dispatch(model, path, {name: "disk" if name == on_disk else "cpu" for name in ("a", "m", "b")}, _offload.folder(workdir))
    if shape != "control":
        if shape == "from-module":
            remove_hook_from_module(model, recurse=True)
        else:
            remove_hook_from_submodules(model)
        left = _offload.on_meta(model)
        if left:
            return reproduced("on meta after the hooks are gone: " + ", ".join(left))
    if not torch.equal(_offload.run(model, _offload.vector()), _offload.run(original, _offload.vector())):
        raise AssertionError("the output differs from that of the original")
    return not_reproduced("the loaded model gives the output of the original")
