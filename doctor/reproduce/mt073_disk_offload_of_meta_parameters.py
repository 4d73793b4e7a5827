"""MT073: disk_offload of a model that already has parameters on meta."""

import _offload
from _harness import Verdict, not_reproduced, reproduced

MESSAGES = ("Cannot copy out of meta tensor; no data!", "can't convert meta device type tensor to numpy")


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import disk_offload, init_empty_weights

    with init_empty_weights():
        model = _offload.stack()
    try:
        disk_offload(model, _offload.folder(workdir), execution_device=torch.device("cpu"))
    except (NotImplementedError, TypeError) as error:
        if any(message in str(error) for message in MESSAGES):
            return reproduced(_offload.first_line(error))
        raise
    return not_reproduced("disk_offload took a model without data; that nothing was lost cannot be checked")
