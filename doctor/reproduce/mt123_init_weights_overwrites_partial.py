"""MT123: loaded weights of a layer of which the file lacks a tensor are overwritten by an _init_weights that writes in place."""

import _in_place
from _harness import Verdict

SHAPES = {"missing-bias": "the file lacks the bias of the layer whose weight it holds"}


def reproduce(workdir: str, shape: str) -> Verdict:
    return _in_place.loaded(workdir, shape)
