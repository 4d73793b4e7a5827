"""MT157: the convolution of an offloaded linear-attention layer is read past its hook when tokens are generated: wrong text, no error."""

import os

import _state_space
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "qwen3-next": "Qwen3-Next of one linear and one full attention layer, one file, the first layer on disk, tokens generated",
    "control": "the same on one device",
}
CLOSE = 1e-5
"""Two ways of computing the same differ by less; what is generated from memory that was never written differs by more."""


def reproduce(workdir: str, shape: str) -> Verdict:
    known = _state_space.model("qwen3-next")
    if known is None:
        return not_applicable("this release has no Qwen3-Next")
    model_class, config = known
    path = _tiny.saved(model_class, config, os.path.join(workdir, "model"))
    expected = _state_space.logits(model_class.from_pretrained(path))
    loaded = model_class.from_pretrained(path) if shape == "control" else _state_space.with_first_layer_on_disk(model_class, path, workdir)
    found = _state_space.logits(loaded)
    differ = _state_space.distances(found, expected)
    if differ[0] > CLOSE:
        raise AssertionError("the prompt itself gives other logits, by %g" % differ[0])
    if not all(each < CLOSE for each in differ):
        return reproduced("without an error, the logits of the second token differ by %.2g" % differ[1])
    return not_reproduced("the logits of %d tokens as with the whole model on the CPU" % len(found))
