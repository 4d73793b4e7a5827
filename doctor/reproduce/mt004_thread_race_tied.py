"""MT004: from_pretrained of a tied model in several threads leaves lm_head on meta, for later loads too.

A race: `not reproduced` stands for 160 loads in four threads, in 40 rounds, all bit for bit right. On affected releases a few
rounds are enough.
"""

from typing import Any, List

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from transformers import LlamaForCausalLM

    if _tiny.release() < (5, 0):
        return not_applicable("tie_weights is not replaced while loading before 5.0.0; 4.51 - 4.57 have another race, MT002")
    path = _tiny.saved_llama(workdir, tie_word_embeddings=True)
    reference = _tiny.reference_state(path)

    def load() -> Any:
        return LlamaForCausalLM.from_pretrained(path)

    def check(model: Any) -> List[str]:
        return _tiny.differences(model, reference)

    wrong = check(load())
    if wrong:
        raise AssertionError("wrong already without threads: " + _tiny.summary(wrong))
    wrong = _tiny.load_in_threads(load, check)
    if not wrong:
        return not_reproduced("160 loads in 4 threads, every one with all %d tensors as in the reference" % len(reference))
    if any(not each.startswith("lm_head.weight is on meta") for each in wrong):
        raise AssertionError("wrong in another way: " + "; ".join(wrong))
    afterwards = check(load())
    return reproduced("lm_head.weight on meta; the next load in one thread: " + (_tiny.summary(afterwards) if afterwards else "right"))
