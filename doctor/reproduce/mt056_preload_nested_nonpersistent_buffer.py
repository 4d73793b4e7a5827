"""MT056: preload_module_classes with offload_buffers=True misses nested non-persistent buffers."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import accelerate.utils.modeling
    import torch
    from accelerate import cpu_offload

    if not hasattr(accelerate.utils.modeling, "get_non_persistent_buffers"):
        return not_applicable("non-persistent buffers are not looked for at all in this release (MT055)")
    model = _offload.fill(_offload.buffered(persistent=False)).eval()
    expected = _offload.run(model, _offload.vector())
    try:
        cpu_offload(model, execution_device=torch.device("cpu"), offload_buffers=True, preload_module_classes=["Block"])
        result = _offload.run(model, _offload.vector())
    except ValueError as error:
        if "does not have a parameter or a buffer named scale" in str(error) and _offload.raised_in(error, "init_hook"):
            return reproduced("ValueError: Block(...) does not have a parameter or a buffer named scale.")
        raise
    except KeyError as error:
        if error.args == ("p.c.scale",) and _offload.raised_in(error, "pre_forward"):
            return reproduced("KeyError: 'p.c.scale' in pre_forward")
        raise
    if not torch.equal(result, expected):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the forward gives the output of the model before the offload")
