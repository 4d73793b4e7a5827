"""MT005: from_pretrained inside torch.device("meta") gives a model without weights."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    reference = _tiny.reference_state(path)
    try:
        with torch.device("meta"):
            model = LlamaForCausalLM.from_pretrained(path)
        model.to("cpu")
    except (NotImplementedError, RuntimeError) as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        if _tiny.is_context_refusal(error):
            return not_applicable("this release refuses to load under a meta context: MT038")
        raise
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
