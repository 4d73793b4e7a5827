"""MT158: an offloaded state-space layer reads its convolution past its hook: the forward fails."""

import os

import _state_space
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "mamba": "Mamba, one file, the first layer on disk, tokens generated",
    "falcon-h1": "Falcon-H1, the same",
    "bamba": "Bamba, the same",
    "control": "Mamba on one device",
}
FAILURES = ("meta tensor", "device meta", "meta device")


def reproduce(workdir: str, shape: str) -> Verdict:
    known = _state_space.model("mamba" if shape == "control" else shape)
    if known is None:
        return not_applicable("this release has no such model")
    model_class, config = known
    path = _tiny.saved(model_class, config, os.path.join(workdir, "model"))
    expected = _state_space.logits(model_class.from_pretrained(path))
    loaded = model_class.from_pretrained(path) if shape == "control" else _state_space.with_first_layer_on_disk(model_class, path, workdir)
    try:
        found = _state_space.logits(loaded)
    except (NotImplementedError, RuntimeError, ValueError) as error:
        if any(said in str(error) for said in FAILURES):
            return reproduced(_tiny.first_line(error))
        raise
    if not all(each < 1e-5 for each in _state_space.distances(found, expected)):
        raise AssertionError("no error, but other logits")
    return not_reproduced("the logits of %d tokens as with the whole model on the CPU" % len(found))
