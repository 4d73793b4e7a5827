"""MT022: a module missing from the checkpoint stays on meta with low_cpu_mem_usage=True."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from torch import nn
    from transformers import LlamaForCausalLM

    class WithExtraLayer(LlamaForCausalLM):
        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.extra = nn.Linear(config.hidden_size, config.hidden_size)
            self.post_init()

    path = _tiny.saved_llama(workdir)
    model = WithExtraLayer.from_pretrained(path, low_cpu_mem_usage=True)
    try:
        model.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error) and "extra.weight" in _tiny.on_meta(model):
            return reproduced("on meta: %s; %s" % (", ".join(_tiny.on_meta(model)), _tiny.first_line(error)))
        raise
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(model, reference)
    if wrong or not torch.isfinite(model.extra.weight).all():
        raise AssertionError("loaded, but wrong: " + "; ".join(wrong or ["extra.weight is not finite"]))
    return not_reproduced("the added layer has finite values, all %d other tensors as in the reference" % len(reference))
