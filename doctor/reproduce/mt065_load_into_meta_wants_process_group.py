"""MT065: loading into a meta model without a device_map asks for a distributed process group."""

import warnings

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from accelerate import init_empty_weights, load_checkpoint_in_model

    original = _offload.fill(_offload.stack())
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = _offload.stack()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load_checkpoint_in_model(model, path)
    except ValueError as error:
        if "Default process group has not been initialized" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    if _offload.on_meta(model):
        return not_reproduced("no process group asked for, but nothing is loaded: that is MT064")
    if _offload.differing(model, original.state_dict()):
        raise AssertionError("off meta, but the values are not those of the checkpoint")
    return not_reproduced(f"all {len(original.state_dict())} tensors equal those of the checkpoint")
