"""MT183: to_empty() and .to("meta") cut tied weights apart."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "to-empty": "a tied embedding and head built on meta, then to_empty()",
    "to-meta": "a tied embedding and head moved to meta",
    "control": "a tied embedding and head moved to the CPU they are on",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from torch import nn

    class Tied(nn.Module):
        def __init__(self, device: str) -> None:
            super().__init__()
            self.embed = nn.Embedding(_tiny.VOCABULARY, _tiny.HIDDEN, device=device)
            self.head = nn.Linear(_tiny.HIDDEN, _tiny.VOCABULARY, bias=False, device=device)
            self.head.weight = self.embed.weight

    places = {"to-empty": "meta", "to-meta": "cpu", "control": "cpu"}
    model = Tied(places[shape])
    model = model.to_empty(device="cpu") if shape == "to-empty" else model.to("meta" if shape == "to-meta" else "cpu")
    if model.head.weight is model.embed.weight:
        return not_reproduced("the head and the embedding are one parameter")
    after = ""
    if shape == "to-empty":
        source = torch.randn(_tiny.VOCABULARY, _tiny.HIDDEN)
        model.load_state_dict({"embed.weight": source}, strict=False)
        after = "; a file with one of the names leaves the other unwritten" if not torch.equal(model.head.weight, source) else ""
    return reproduced("without an error, the head and the embedding are two parameters" + after)
