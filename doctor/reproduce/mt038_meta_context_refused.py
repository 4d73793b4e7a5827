"""MT038: from_pretrained inside torch.device("meta") is refused."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    """`not reproduced` means that the call returned; what it returned is the subject of MT005."""
    import torch
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    try:
        with torch.device("meta"):
            model = LlamaForCausalLM.from_pretrained(path)
    except (NotImplementedError, RuntimeError) as error:
        if _tiny.is_context_refusal(error):
            return reproduced(_tiny.first_line(error))
        if _tiny.is_meta_error(error):
            return not_reproduced("not refused; the load itself failed instead (MT005): " + _tiny.first_line(error))
        raise
    return not_reproduced("not refused; %d tensors of the model are on meta (MT005)" % len(_tiny.on_meta(model)))
