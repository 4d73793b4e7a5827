"""MT081: to_empty() followed by load_state_dict leaves non-persistent buffers as garbage."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SIZE = 40


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn

    class WithTable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN)
            self.register_buffer("table", torch.arange(SIZE).float() + 0.5, persistent=False)

    original = WithTable()
    with torch.device("meta"):
        model = WithTable()
    _tiny.dirty_memory((SIZE,))
    model.to_empty(device="cpu")
    model.load_state_dict(original.state_dict())
    wrong = _tiny.differences(model, dict(_tiny.named_tensors(original)))
    if any(not each.startswith("table differs") for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    if wrong:
        return reproduced("without an error, " + wrong[0])
    return not_reproduced("the buffer has the values computed in __init__")
