"""MT141: an encoder-decoder file that holds the shared embedding under another name gives a random embedding without an error."""

import _shared_embedding
import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "bart-encoder": "BART, one safetensors file that names it model.encoder.embed_tokens only, a plain load",
    "bart-decoder": "the same, named model.decoder.embed_tokens",
    "bart-head": "the same, named lm_head",
    "t5-head": "T5, one safetensors file that names it lm_head only, a plain load",
    "control": "BART, the file names it model.shared",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    wrong = _shared_embedding.differences(workdir, shape)
    if any(each.endswith("is on meta") for each in wrong):
        return not_reproduced("not silent: %s (MT145)" % _tiny.summary(wrong))
    return reproduced("without an error, " + _tiny.summary(wrong)) if wrong else not_reproduced("all tensors as in the reference")
