"""MT051: tied weights both on disk make other layers compute with a wrong tensor."""

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch

    model, expected = _offload.tied_on_disk(workdir)
    try:
        result = _offload.run(model, _offload.ids())
    except KeyError as error:
        if error.args == ("cpu",) and _offload.raised_in(error, "post_forward"):
            return not_applicable("the forward stops before, with the KeyError of MT050")
        raise
    if torch.equal(result, expected):
        return not_reproduced("the forward gives the output of the model before the offload")
    gap = (result - expected).abs().max().item()
    return reproduced(f"no error, but the output differs by up to {gap:.3g}")
