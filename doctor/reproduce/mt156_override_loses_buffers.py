"""MT156: on transformers 5 an override of what the loader calls that does nothing leaves buffers without their values."""

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "no-context": "Llama, one file, plain load; get_init_context(cls, *arguments) returns no context",
    "no-initialisation": "the same with an _initialize_missing_keys(self, *arguments) that does nothing",
    "control": "the same with both, which call the methods they override",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import LlamaForCausalLM, PreTrainedModel

    if not hasattr(PreTrainedModel, "get_init_context") or not hasattr(PreTrainedModel, "_initialize_missing_keys"):
        return not_applicable("this release has no such methods")
    path = _tiny.saved_llama(workdir)
    reference = _tiny.reference_state(path)
    _tiny.dirty_memory(*{tuple(tensor.shape) for tensor in reference.values()})
    wrong = _tiny.differences(type("Own", (LlamaForCausalLM,), _overrides(shape)).from_pretrained(path), reference)
    if any("inv_freq" not in each or " is on meta" in each for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    if wrong:
        return reproduced("without an error, " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))


def _overrides(shape: str) -> "dict[str, object]":
    from transformers import PreTrainedModel

    of_base = PreTrainedModel.get_init_context.__func__
    context = classmethod(lambda cls, *arguments: [])
    initialise = lambda self, *arguments: None  # noqa: E731
    if shape == "no-context":
        return {"get_init_context": context}
    if shape == "no-initialisation":
        return {"_initialize_missing_keys": initialise}
    return {
        "get_init_context": classmethod(lambda cls, *arguments: of_base(cls, *arguments)),
        "_initialize_missing_keys": lambda self, *arguments: PreTrainedModel._initialize_missing_keys(self, *arguments),
    }
