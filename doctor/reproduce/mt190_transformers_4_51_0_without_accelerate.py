"""MT190: without accelerate, transformers 4.51.0 loads no model: init_empty_weights is not defined."""

import _import
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    if _import.is_there("accelerate"):
        return not_applicable("accelerate is installed")
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    try:
        model = LlamaForCausalLM.from_pretrained(path)
    except NameError as error:
        if "name 'init_empty_weights' is not defined" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    if wrong:
        raise AssertionError("loaded, but " + _tiny.summary(wrong))
    return not_reproduced("loaded without accelerate, all tensors equal")
