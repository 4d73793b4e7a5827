"""MT167: what one thread builds while another loads a model lands on meta.

A race: `not reproduced` stands for four seconds in which one thread loaded and another built, without a fault.
"""

import sys
import threading
import time
from typing import Any, List

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "layer": "a plain nn.Linear, while another thread loads an untied Llama from one file",
    "model": "a BertModel from its configuration, the same",
    "control": "a plain nn.Linear, while another thread only builds a Llama from its configuration",
}
SECONDS = 4.0


def reproduce(workdir: str, shape: str) -> Verdict:
    from torch import nn
    from transformers import BertModel, LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    wrong: List[str] = []
    built = [0]
    failed: List[BaseException] = []
    end = time.time() + SECONDS

    def loads() -> None:
        try:
            while time.time() < end and not wrong:
                if shape == "control":
                    LlamaForCausalLM(_tiny.llama_config())
                else:
                    LlamaForCausalLM.from_pretrained(path)
        except Exception as error:
            failed.append(error)

    def builds() -> None:
        while time.time() < end and not wrong:
            module: Any = BertModel(_tiny.bert_config()) if shape == "model" else nn.Linear(2, 2)
            built[0] += 1
            wrong.extend(_tiny.on_meta(module)[:1])

    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=each) for each in (loads, builds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        return reproduced("%s of what the other thread built is on meta" % wrong[0])
    if failed:
        raise failed[0]
    return not_reproduced("%d were built in %d seconds, none with a tensor on meta" % (built[0], SECONDS))
