"""MT125: a tied pair on disk of which the file holds one name only fails in the forward with a KeyError."""

import _dispatch
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "head-missing-embed-first": "both on disk, the file lacks the head; the embedding sorts first",
    "head-missing-head-first": "both on disk, the file lacks the head; the head sorts first",
    "embedding-missing-embed-first": "both on disk, the file lacks the embedding; the embedding sorts first",
    "control": "both on disk and in the file, no other layer on disk",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    order = "head-first" if shape.endswith("head-first") else "embed-first"
    leave_out = {"head": ["head"], "embedding": ["embed"]}.get(shape.partition("-")[0], [])
    try:
        model, expected = _dispatch.tied_offloaded(workdir, order, ["embed", "head"], leave_out=leave_out)
        result = _offload.run(model, _offload.ids())
    except KeyError as error:
        if str(error.args[0]).endswith(".weight"):
            return reproduced(_offload.first_line(error))
        raise
    except ValueError as error:
        if any(said in str(error) for said in _dispatch.NO_VALUE):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(result, expected):
        raise AssertionError("no error, but the output differs")
    return not_reproduced("the forward gives the output of the model before the offload")
