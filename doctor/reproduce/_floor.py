"""The oldest accelerate that the installed transformers accepts: below it, transformers treats accelerate as not installed."""

from typing import Any, Optional

import _tiny


def declared() -> Optional[str]:
    """By transformers' own word; None where it names no floor."""
    import inspect

    from transformers.utils.import_utils import is_accelerate_available, is_torch_available

    if not is_torch_available():
        raise AssertionError("transformers does not accept this torch, so nothing can be said about accelerate")
    parameter = inspect.signature(is_accelerate_available).parameters.get("min_version")
    return None if parameter is None else str(parameter.default)


def load_with_map(workdir: str) -> Any:
    """A model loaded with a device_map, whose tensors were looked at."""
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    model = LlamaForCausalLM.from_pretrained(path, device_map={"": "cpu"})
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    if wrong:
        raise AssertionError("loaded, but " + _tiny.summary(wrong))
    return model
