"""MT050: tied weights both on disk make the first forward die with a KeyError."""

import _offload
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch

    model, expected = _offload.tied_on_disk(workdir)
    try:
        result = _offload.run(model, _offload.ids())
    except KeyError as error:
        if error.args == ("cpu",) and _offload.raised_in(error, "post_forward"):
            return reproduced("KeyError: 'cpu' in post_forward")
        raise
    if torch.equal(result, expected):
        return not_reproduced("the forward gives the output of the model before the offload")
    return not_reproduced("no KeyError, but the output is wrong: that is MT051")
