"""MT106: helpers that use module.device after sequential offload send their input to meta."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import cpu_offload

    model = _offload.fill(_offload.stack()).eval()
    expected = _offload.run(model, _offload.vector())
    cpu_offload(model, execution_device=torch.device("cpu"))
    device = next(model.parameters()).device
    value = _offload.vector().to(device)
    try:
        result = _offload.run(model, value)
    except (NotImplementedError, RuntimeError) as error:
        known = "Cannot copy out of meta tensor; no data!" in str(error)
        if known and device.type == "meta" and _offload.raised_in(error, "send_to_device"):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(result, expected):
        raise AssertionError("no error, but the output differs")
    return not_reproduced(f"the device of the module is {device} and the output is the same")
