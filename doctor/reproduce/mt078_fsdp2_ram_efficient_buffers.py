"""MT078: FSDP2 with cpu_ram_efficient_loading crashes on models with persistent buffers."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def prepare_and_compare() -> Verdict:
    import torch

    model = _offload.fill(_offload.buffered(persistent=True)).eval()
    expected = _offload.run(model, _offload.vector())
    if not torch.cuda.is_available():
        # 1.6.0 and 1.7.0 move every tensor to the GPU first, whatever the device of the group is.
        torch.Tensor.cuda = lambda tensor, *_, **__: tensor  # type: ignore[method-assign, assignment]
    try:
        prepared = _offload.fsdp2_prepared(model)
    except AttributeError as error:
        if "'Tensor' object has no attribute 'device_mesh'" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    if prepared is None:
        return not_applicable("accelerate has no FSDP2")
    if not torch.equal(_offload.run(prepared, _offload.vector()), expected):
        raise AssertionError("prepared without an error, but the output differs")
    return not_reproduced("the prepared model gives the output of the original")


def reproduce(workdir: str) -> Verdict:
    try:
        return prepare_and_compare()
    finally:
        _offload.leave_group()
