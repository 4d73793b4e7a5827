"""MT060: init_empty_weights forgets requires_grad, so integer weights crash and frozen ones train."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def holder(kind: str) -> object:
    """A module with one integer or one frozen parameter."""
    import torch
    from torch import nn

    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            value = torch.ones(2, dtype=torch.int8) if kind == "integer" else torch.ones(2)
            self.weight = nn.Parameter(value, requires_grad=False)

    return Holder()


def reproduce(workdir: str) -> Verdict:
    from accelerate import init_empty_weights

    with init_empty_weights():
        frozen = holder("frozen")
    trainable = frozen.weight.requires_grad
    try:
        with init_empty_weights():
            integer = holder("integer")
    except RuntimeError as error:
        if "can require gradients" in str(error) and trainable:
            return reproduced(_offload.first_line(error) + " (and a frozen parameter became trainable)")
        raise
    if trainable or integer.weight.requires_grad:
        raise AssertionError("only one of the two faces of the bug is seen")
    return not_reproduced("integer and frozen parameters are built and stay frozen")
