"""A class of one's own that overrides a method of PreTrainedModel which the loader calls."""

from typing import Any, Dict, Optional

import _tiny


def refusal(workdir: str, members: Dict[str, Any]) -> Optional[str]:
    """The TypeError with which the load of such a class ends for its one method; None where it is loaded rightly."""
    from transformers import LlamaForCausalLM

    (method,) = members
    path = _tiny.saved_llama(workdir)
    try:
        model = type("Own", (LlamaForCausalLM,), members).from_pretrained(path)
    except TypeError as error:
        if method + "() takes" in str(error) or method + "() missing" in str(error):
            return _tiny.first_line(error)
        raise
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return None
