"""MT154: a class with a get_init_context() of its own, of an older signature, cannot be loaded."""

import _old_override
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "of-4": "Llama, one file, plain load; get_init_context(cls, is_quantized, _is_ds_init_called), as 4.51 to 4.57 have it",
    "of-5.0": "the same with get_init_context(cls, dtype, is_quantized, _is_ds_init_called), as 5.0 to 5.2 have it",
    "control": "the same with get_init_context(cls, *arguments), which asks the method it overrides",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import PreTrainedModel

    if _tiny.release() < ((5, 0) if shape == "of-5.0" else (4, 51)):
        return not_applicable("this signature came with a later release")
    of_base = PreTrainedModel.get_init_context.__func__
    own = {
        "of-4": lambda cls, is_quantized, _is_ds_init_called: of_base(cls, is_quantized, _is_ds_init_called),
        "of-5.0": lambda cls, dtype, is_quantized, _is_ds_init_called: of_base(cls, dtype, is_quantized, _is_ds_init_called),
        "control": lambda cls, *arguments: of_base(cls, *arguments),
    }[shape]
    own.__qualname__ = own.__name__ = "get_init_context"
    refusal = _old_override.refusal(workdir, {"get_init_context": classmethod(own)})
    return reproduced(refusal) if refusal else not_reproduced("loaded, all tensors as in the reference")
