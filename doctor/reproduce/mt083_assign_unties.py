"""MT083: load_state_dict(assign=True) cuts tied weights apart."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn

    if _tiny.release("torch") < (2, 1):
        return not_applicable("load_state_dict has no assign before torch 2.1.0")

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(_tiny.VOCABULARY, _tiny.HIDDEN)
            self.head = nn.Linear(_tiny.HIDDEN, _tiny.VOCABULARY, bias=False)
            self.head.weight = self.embed.weight

    original = Tied()
    with torch.device("meta"):
        both, one = Tied(), Tied()
    both.load_state_dict(original.state_dict(), assign=True)
    one.load_state_dict({"embed.weight": original.embed.weight.detach()}, strict=False, assign=True)
    wrong = []
    if both.head.weight is not both.embed.weight:
        wrong.append("with both names in the state dict the tie is gone")
    if one.head.weight.device.type == "meta":
        wrong.append("with one name in it the other is on meta")
    if wrong:
        return reproduced("without an error, " + " and ".join(wrong))
    return not_reproduced("both models are still tied")
