"""MT144: from_pretrained of transformers 5 under init_empty_weights() of accelerate before 1.13 raises a TypeError."""

import _meta_context
import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "empty-weights": "BertModel, one file, under accelerate.init_empty_weights()",
    "empty-weights-tied": "tied GPT-2, one file, under accelerate.init_empty_weights()",
    "control": "BertModel, one file, under no context",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    """`not reproduced` means that no TypeError came; the model may still have no weights: MT005."""
    model_class, path = _meta_context.saved(workdir, shape)
    try:
        model = _meta_context.loaded(model_class, path, shape)
    except TypeError as error:
        if _meta_context.is_type_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    left = _tiny.on_meta(model)
    return not_reproduced("loaded, and nothing is on meta" if not left else "no TypeError; the model is left on meta (MT005)")
