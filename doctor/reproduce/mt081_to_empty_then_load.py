"""MT081: to_empty() followed by load_state_dict leaves non-persistent buffers as garbage."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SIZE = 40
SHAPES = {
    "table": "torch alone, a layer and a non-persistent buffer, no file",
    "counter": "the same, and a non-persistent counter of integers",
    "control": "the same as the first, built on the CPU and loaded without to_empty()",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from torch import nn

    class WithTable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN)
            self.register_buffer("table", torch.arange(SIZE).float() + 0.5, persistent=False)
            if shape == "counter":
                self.register_buffer("counter", torch.arange(SIZE) + 3, persistent=False)

    original = WithTable()
    with torch.device("cpu" if shape == "control" else "meta"):
        model = WithTable()
    _tiny.dirty_memory((SIZE,))
    if shape == "counter":
        _tiny.dirty_memory((SIZE,), dtype=torch.int64)
    if shape != "control":
        model.to_empty(device="cpu")
    model.load_state_dict(original.state_dict())
    wrong = _tiny.differences(model, dict(_tiny.named_tensors(original)))
    if any(not each.startswith(("table differs", "counter differs")) for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    if wrong:
        return reproduced("without an error, " + wrong[0])
    return not_reproduced("the buffer has the values computed in __init__")
