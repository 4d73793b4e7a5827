"""MT121: transformers 5.0.0 imports a function that accelerate before 1.2.0 does not have."""

import _offload
import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    try:
        from transformers import LlamaForCausalLM

        path = _tiny.saved_llama(workdir)
        model = LlamaForCausalLM.from_pretrained(path)
    except (ImportError, RuntimeError) as error:
        if "cannot import name 'get_module_size_with_ties'" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    if wrong:
        raise AssertionError("loaded, but " + _tiny.summary(wrong))
    return not_reproduced("the model is imported and loaded, all tensors equal")
