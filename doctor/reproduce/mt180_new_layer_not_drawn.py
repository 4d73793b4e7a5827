"""MT180: a new LSTM, GRU, PReLU, Bilinear or InstanceNorm that the checkpoint lacks holds memory that was never written."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "lstm": "BERT with an nn.LSTM on top that its checkpoint lacks",
    "gru": "the same with an nn.GRU",
    "prelu": "the same with an nn.PReLU",
    "bilinear": "the same with an nn.Bilinear",
    "instance-norm": "the same with an nn.InstanceNorm1d that has weights",
    "control": "the same with an nn.Linear",
}
_ROUNDS = 4


def reproduce(workdir: str, shape: str) -> Verdict:
    from torch import nn
    from transformers import BertModel

    size = _tiny.HIDDEN
    layers = {
        "lstm": lambda: nn.LSTM(size, size), "gru": lambda: nn.GRU(size, size), "prelu": lambda: nn.PReLU(size),
        "bilinear": lambda: nn.Bilinear(8, 8, 8), "instance-norm": lambda: nn.InstanceNorm1d(size, affine=True),
        "control": lambda: nn.Linear(size, size),
    }  # fmt: skip

    class Tagger(BertModel):
        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.top = layers[shape]()
            self.post_init()

    path = _tiny.saved_bert(workdir)
    shapes = [tuple(each.shape) for each in layers[shape]().parameters()]
    for _ in range(_ROUNDS):
        _tiny.dirty_memory(*shapes)
        for name, parameter in Tagger.from_pretrained(path).top.named_parameters():
            if parameter.device.type == "meta":
                return reproduced("top.%s is on meta" % name)
            if bool((parameter == _tiny.PATTERN).any()) or not bool((parameter.abs() < 10).all()):
                return reproduced("without an error, top.%s holds what was in memory before" % name)
    return not_reproduced("its values are drawn")
