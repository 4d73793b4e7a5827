"""MT050: tied weights both on disk make the first forward die with a KeyError."""

import _dispatch
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "embed-first": "accelerate alone, both names in the file, they and one more layer on disk; the embedding sorts first",
    "head-first": "the same; the head sorts first",
    "head-alone": "accelerate alone, both names in the file, the head and one more layer on disk, the embedding on the CPU",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    on_disk = ["head", "low"] if shape == "head-alone" else ["embed", "head", "low"]
    order = "head-first" if shape == "head-first" else "embed-first"
    model, expected = _dispatch.tied_offloaded(workdir, order, on_disk, tie_again=True)
    try:
        result = _offload.run(model, _offload.ids())
    except KeyError as error:
        if error.args == ("cpu",) and _offload.raised_in(error, "post_forward"):
            return reproduced("KeyError: 'cpu' in post_forward")
        raise
    if torch.equal(result, expected):
        return not_reproduced("the forward gives the output of the model before the offload")
    return not_reproduced("no KeyError, but the output is wrong: that is MT051")
