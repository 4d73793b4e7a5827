"""MT084: load_state_dict(assign=True) leaves its flag in the caller's state dict."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from torch import nn

    if _tiny.release("torch") < (2, 1):
        return not_applicable("load_state_dict has no assign before torch 2.1.0")
    state = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN).state_dict()
    nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN, device="meta").load_state_dict(state, assign=True)
    later = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN)
    weight = later.weight
    later.load_state_dict(state)
    if later.weight is not weight:
        return reproduced("without an error, a later load_state_dict without assign replaced the parameter instead of copying into it")
    return not_reproduced("a later load_state_dict copies into the parameter")
