"""MT159: loads with a dtype in several threads leave the default dtype of the process changed.

A race: `not reproduced` stands for 160 loads in four threads, in 40 rounds, after each of which the default was what it was before.
"""

import sys
import threading
from typing import Any, Dict, List

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "llama": "untied Llama, one file, float16 asked for in four threads",
    "gpt2": "untied GPT-2, one file, float16 asked for in four threads",
    "control": "untied GPT-2, one file, float16 asked for in one thread",
}
ROUNDS = 40


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    model_class, path = _causal.saved(workdir, "llama" if shape == "llama" else "gpt2")
    if model_class is None:
        return not_applicable("this release has no Llama")
    options: Dict[str, Any] = {"dtype" if _tiny.release() >= (5, 0) else "torch_dtype": torch.float16}
    failed: List[BaseException] = []

    def load() -> None:
        try:
            model_class.from_pretrained(path, **options)
        except Exception as error:
            failed.append(error)

    before = torch.get_default_dtype()
    sys.setswitchinterval(1e-5)
    for count in range(1, ROUNDS + 1):
        workers = [threading.Thread(target=load) for _ in range(1 if shape == "control" else 4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if torch.get_default_dtype() != before:
            made = torch.nn.Linear(2, 2).weight.dtype
            return reproduced("after round %d new tensors are %s, a new layer as well: %s" % (count, torch.get_default_dtype(), made))
    if len(failed) == ROUNDS * (1 if shape == "control" else 4):
        raise failed[0]
    return not_reproduced("%d rounds of loads, the default dtype is %s after each" % (ROUNDS, before))
