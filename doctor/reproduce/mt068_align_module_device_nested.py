"""MT068: align_module_device on a module with an offloaded child raises ValueError."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import cpu_offload

    try:
        from accelerate.utils import align_module_device
    except ImportError:
        return not_applicable("accelerate has no align_module_device")
    model = _offload.fill(_offload.stack()).eval()
    expected = _offload.run(model, _offload.vector())
    cpu_offload(model, execution_device=torch.device("cpu"))
    try:
        with align_module_device(model, torch.device("cpu")):
            pass
    except ValueError as error:
        if "is on the meta device, we need a `value`" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(_offload.run(model, _offload.vector()), expected):
        raise AssertionError("no error, but the output differs afterwards")
    return not_reproduced("the context is entered and left, and the forward gives the same output")
