"""MT077: removing the hooks after a disk load leaves parameters on meta."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from accelerate import init_empty_weights, load_checkpoint_and_dispatch
    from accelerate.hooks import remove_hook_from_submodules

    original = _offload.fill(_offload.stack())
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.stack()
    places = {"a": "cpu", "m": "cpu", "b": "disk"}
    try:
        load_checkpoint_and_dispatch(model, path, device_map=places, offload_folder=_offload.folder(workdir))
    except IndexError as error:
        if _offload.cpu_map_refused(error):
            return not_applicable("maps without a GPU are refused (before 0.14.0)")
        raise
    remove_hook_from_submodules(model)
    left = _offload.on_meta(model)
    if left:
        return reproduced("on meta after the hooks are gone: " + ", ".join(left))
    if _offload.differing(model, original.state_dict()):
        raise AssertionError("off meta, but the values are not those of the checkpoint")
    return not_reproduced(f"all {len(original.state_dict())} tensors equal those of the checkpoint")
