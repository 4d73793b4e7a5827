"""MT063: load_checkpoint_and_dispatch without a device_map crashes before it loads anything."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from accelerate import load_checkpoint_and_dispatch

    original = _offload.fill(_offload.stack())
    path = _offload.checkpoint(original, workdir)
    model = _offload.stack()
    try:
        load_checkpoint_and_dispatch(model, path)
    except AttributeError as error:
        if "'NoneType' object has no attribute 'values'" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    wrong = _offload.differing(model, original.state_dict())
    if wrong:
        raise AssertionError("no error, but these were not loaded: " + ", ".join(wrong))
    return not_reproduced(f"all {len(original.state_dict())} tensors equal those of the checkpoint")
