"""MT145: an encoder-decoder file that holds the shared embedding under another name leaves the embedding on meta."""

import _shared_embedding
import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "bart-encoder": "BART, one safetensors file that names it model.encoder.embed_tokens only, a plain load",
    "bart-head": "the same, named lm_head",
    "t5-head": "T5, one safetensors file that names it lm_head only, a plain load",
    "control": "BART, the file names it model.shared",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    wrong = _shared_embedding.differences(workdir, shape)
    if not wrong:
        return not_reproduced("all tensors as in the reference")
    if all(each.endswith("is on meta") for each in wrong):
        return reproduced(_tiny.summary(wrong))
    return not_reproduced("off meta, but with random values: " + _tiny.summary(wrong) + " (MT141)")
