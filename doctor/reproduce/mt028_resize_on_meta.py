"""MT028: resize_token_embeddings fails on a model built on meta."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from accelerate import init_empty_weights
    from transformers import LlamaForCausalLM

    with init_empty_weights():
        model = LlamaForCausalLM(_tiny.llama_config())
    try:
        model.resize_token_embeddings(_tiny.VOCABULARY + 6)
    except RuntimeError as error:
        if _tiny.is_value_error_on_meta(error):
            return reproduced(_tiny.first_line(error))
        raise
    rows = model.get_input_embeddings().weight.shape[0]
    if rows != _tiny.VOCABULARY + 6:
        raise AssertionError("resized to %d rows" % rows)
    return not_reproduced("resized to %d rows" % rows)
