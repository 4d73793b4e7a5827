"""MT051: tied weights both on disk make other layers compute with a wrong tensor."""

import _dispatch
import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "embed-first": "accelerate alone, both names in the file, they and one more layer on disk; the embedding sorts first",
    "head-first": "the same; the head sorts first",
    "control": "the same with the pair on the CPU",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    on_disk = ["low"] if shape == "control" else ["embed", "head", "low"]
    model, expected = _dispatch.tied_offloaded(workdir, "head-first" if shape == "head-first" else "embed-first", on_disk, tie_again=True)
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
