"""MT018: loaded weights are overwritten by a custom _init_weights that writes in place, of a complete file."""

import _in_place
from _harness import Verdict

SHAPES = {
    "complete": "every tensor of the model is in the file, without a bias",
    "complete-with-bias": "every tensor of the model is in the file, a bias too",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    return _in_place.loaded(workdir, shape)
