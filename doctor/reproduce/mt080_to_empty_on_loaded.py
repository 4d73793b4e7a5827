"""MT080: to_empty() on a loaded model silently destroys every weight."""

from typing import Any

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "llama": "untied Llama loaded by transformers from one file, then to_empty()",
    "layer": "torch alone, one layer with values, then to_empty()",
    "control": "the same Llama, moved with .to()",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    """Memory that happens to hold the old bytes would hide the loss, so what counts is that all storage is new and values differ."""
    model, reference = _loaded(workdir, shape)
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("wrong before to_empty: " + _tiny.summary(wrong))
    before = {name: tensor.data_ptr() for name, tensor in _tiny.named_tensors(model)}
    _tiny.dirty_memory(*{tuple(tensor.shape) for tensor in reference.values()})
    if shape == "control":
        model.to("cpu")
    else:
        model.to_empty(device="cpu")
    wrong = _tiny.differences(model, reference)
    replaced = sum(before[name] != tensor.data_ptr() for name, tensor in _tiny.named_tensors(model))
    if replaced == len(before) and wrong:
        return reproduced("without an error, %d of %d tensors lost; %s" % (len(wrong), len(reference), wrong[0]))
    if wrong:
        raise AssertionError("only %d of %d tensors replaced, %d lost" % (replaced, len(before), len(wrong)))
    return not_reproduced("all %d tensors as in the reference" % len(reference))


def _loaded(workdir: str, shape: str) -> "tuple[Any, dict[str, Any]]":
    """A model and a copy of its tensors."""
    from torch import nn

    if shape == "layer":
        layer = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN)
        return layer, {name: tensor.detach().clone() for name, tensor in _tiny.named_tensors(layer)}
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    return LlamaForCausalLM.from_pretrained(path), _tiny.reference_state(path)
