"""MT003: from_pretrained with device_map in several threads leaves parameters on meta.

A race: `not reproduced` stands for 160 loads in four threads, in 40 rounds, all bit for bit right. On affected releases a few
rounds are enough. On 4.51 - 4.57
loads without device_map are hit as well (MT002).
"""

from typing import Any, List

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    reference = _tiny.reference_state(path)

    def load() -> Any:
        return LlamaForCausalLM.from_pretrained(path, device_map={"": "cpu"}).to("cpu")

    def check(model: Any) -> List[str]:
        return _tiny.differences(model, reference)

    wrong = check(load())
    if wrong:
        raise AssertionError("wrong already without threads: " + _tiny.summary(wrong))
    wrong = _tiny.load_in_threads(load, check)
    if wrong:
        return reproduced(_tiny.summary(wrong))
    return not_reproduced("160 loads in 4 threads, every one with all %d tensors as in the reference" % len(reference))
