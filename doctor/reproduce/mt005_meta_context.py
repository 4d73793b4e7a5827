"""MT005: from_pretrained inside a context that puts new tensors on meta gives a model without weights.

Newer releases stop some of these loads with an error of their own: MT038, MT144.
"""

from typing import Any

import _meta_context
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "torch-device": 'BertModel, one file, under torch.device("meta")',
    "default-device": 'BertModel, one file, after torch.set_default_device("meta")',
    "torch-device-map": 'BertModel, one file, device_map={"": "cpu"} under torch.device("meta")',
    "empty-weights": "BertModel, one file, under accelerate.init_empty_weights()",
    "empty-weights-tied": "tied GPT-2, one file, under accelerate.init_empty_weights()",
    "control": "BertModel, one file, under no context",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    why = _meta_context.missing_here(shape)
    if why:
        return not_applicable(why)
    model_class, path = _meta_context.saved(workdir, shape)
    left = "from_pretrained"
    try:
        model = _meta_context.loaded(model_class, path, shape)
        left = _left_on_meta(model)
        model.to("cpu")
    except (NotImplementedError, RuntimeError, TypeError) as error:
        if _tiny.is_meta_error(error):
            return reproduced("%s: %s" % (left, _tiny.first_line(error)))
        if _tiny.is_context_refusal(error):
            return not_applicable("this release refuses to load under a meta context: MT038")
        if _meta_context.is_type_error(error):
            return not_applicable("these two releases stop with a TypeError instead: MT144")
        raise
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))


def _left_on_meta(model: Any) -> str:
    on_meta = [parameter.device.type == "meta" for parameter in model.parameters()]
    if all(on_meta):
        return "every parameter on meta"
    return "some parameters on meta" if any(on_meta) else "non-persistent buffers on meta, the parameters are not"
