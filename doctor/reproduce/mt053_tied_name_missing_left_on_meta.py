"""MT053: the tied name that the checkpoint leaves out stays on meta and dispatch fails."""

import _dispatch
import _offload
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "head-missing-sorts-last": "the file lacks the head, whose name sorts after that of the embedding; another layer on disk",
    "head-missing-sorts-first": "the file lacks the head, whose name sorts before that of the embedding (lm_head, transformer)",
    "embedding-missing-sorts-first": "the file lacks the embedding, whose name sorts before that of the head",
    "embedding-missing-sorts-last": "the file lacks the embedding, whose name sorts after that of the head",
    "control": "the file holds both names",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    missing = shape.partition("-")[0]
    order = "embed-first" if (missing == "embedding") == shape.endswith("first") else "head-first"
    leave_out = {"head": ["head"], "embedding": ["embed"]}.get(missing, [])
    try:
        model, expected = _dispatch.tied_offloaded(workdir, order, ["mid"], leave_out=leave_out)
        result = _offload.run(model, _offload.ids())
    except (NotImplementedError, ValueError) as error:
        if any(said in str(error) for said in _dispatch.NO_VALUE):
            return reproduced(_offload.first_line(error))
        raise
    if not torch.equal(result, expected):
        raise AssertionError("loaded without an error, but the output differs")
    return not_reproduced("the loaded model gives the output of the original")
