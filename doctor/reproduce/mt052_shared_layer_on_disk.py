"""MT052: a layer object used under two names and offloaded to disk gets a wrong tensor."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def shared() -> object:
    """Layer b is layer a; its weight and bias have unlike shapes."""
    from torch import nn

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(_offload.WIDTH, _offload.WIDTH)
            self.m = nn.Linear(_offload.WIDTH, _offload.WIDTH)
            self.b = self.a

        def forward(self, x: object) -> object:
            return self.b(self.m(self.a(x)))

    return Shared()


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import init_empty_weights, load_checkpoint_and_dispatch

    original = _offload.fill(shared()).eval()
    expected = _offload.run(original, _offload.vector())
    path = _offload.checkpoint(original, workdir)
    with init_empty_weights():
        model = shared()
    places = {"a": "disk", "m": "cpu", "b": "disk"}
    try:
        load_checkpoint_and_dispatch(model, path, device_map=places, offload_folder=_offload.folder(workdir))
    except IndexError as error:
        if _offload.cpu_map_refused(error):
            return not_applicable("maps without a GPU are refused (before 0.14.0)")
        raise
    try:
        result = _offload.run(model.eval(), _offload.vector())
    except RuntimeError as error:
        if "must match the existing size" in str(error) and _offload.raised_in(error, "new_forward"):
            return reproduced(_offload.first_line(error))
        raise
    if torch.equal(result, expected):
        return not_reproduced("the forward gives the output of the original")
    return reproduced("no error, but the output differs from that of the original")
