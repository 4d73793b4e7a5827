"""MT155: a class with an _initialize_missing_keys() of its own, of an older signature, cannot be loaded."""

import _old_override
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "of-4.50": "Llama, one file, plain load; three parameters: loaded_keys, ignore_mismatched_sizes, is_quantized, as 4.50 to 4.56 have it",
    "of-4.57": "the same with two: missing_keys, is_quantized, as 4.57 has it",
    "control": "the same with any, which calls the method it overrides",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import PreTrainedModel

    if shape == "of-4.57" and _tiny.release() < (4, 57):
        return not_applicable("this signature came with 4.57")
    own = {
        "of-4.50": lambda self, loaded_keys, ignore_mismatched_sizes, is_quantized: self,
        "of-4.57": lambda self, missing_keys, is_quantized: None,
        "control": lambda self, *arguments: PreTrainedModel._initialize_missing_keys(self, *arguments),
    }[shape]
    own.__qualname__ = own.__name__ = "_initialize_missing_keys"
    refusal = _old_override.refusal(workdir, {"_initialize_missing_keys": own})
    return reproduced(refusal) if refusal else not_reproduced("loaded, all tensors as in the reference")
