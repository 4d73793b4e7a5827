"""MT080: to_empty() on a loaded model silently destroys every weight."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    """Memory that happens to hold the old bytes would hide the loss, so what counts is that all storage is new and values differ."""
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    reference = _tiny.reference_state(path)
    model = LlamaForCausalLM.from_pretrained(path)
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("wrong before to_empty: " + _tiny.summary(wrong))
    before = {name: tensor.data_ptr() for name, tensor in _tiny.named_tensors(model)}
    _tiny.dirty_memory(*{tuple(tensor.shape) for tensor in reference.values()})
    model.to_empty(device="cpu")
    wrong = _tiny.differences(model, reference)
    replaced = sum(before[name] != tensor.data_ptr() for name, tensor in _tiny.named_tensors(model))
    if replaced == len(before) and wrong:
        return reproduced("without an error, %d of %d tensors lost; %s" % (len(wrong), len(reference), wrong[0]))
    if wrong:
        raise AssertionError("only %d of %d tensors replaced, %d lost" % (replaced, len(before), len(wrong)))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
