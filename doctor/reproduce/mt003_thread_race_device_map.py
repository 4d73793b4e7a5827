"""MT003: from_pretrained with device_map or low_cpu_mem_usage in several threads leaves parameters on meta.

A race: `not reproduced` stands for 160 loads in four threads, in 40 rounds, all bit for bit right. On affected releases a few
rounds are enough. On 4.51 - 4.57
loads without device_map are hit as well (MT002).
"""

from typing import Any, Dict, List

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "llama-device-map": 'untied Llama, one file, device_map={"": "cpu"} in four threads',
    "gpt2-device-map": 'untied GPT-2, one file, device_map={"": "cpu"} in four threads',
    "gpt2-low-cpu-mem-usage": "untied GPT-2, one file, low_cpu_mem_usage=True in four threads",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    name, _, option = shape.partition("-")
    model_class, path = _causal.saved(workdir, name)
    if model_class is None:
        return not_applicable("this release has no Llama")
    if option == "device-map" and not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    options: Dict[str, Any] = {"device_map": {"": "cpu"}} if option == "device-map" else {"low_cpu_mem_usage": True}
    reference = _tiny.reference_state(path)

    def load() -> Any:
        return model_class.from_pretrained(path, **options).to("cpu")

    def check(model: Any) -> List[str]:
        return _tiny.differences(model, reference)

    wrong = check(load())
    if wrong:
        raise AssertionError("wrong already without threads: " + _tiny.summary(wrong))
    wrong = _tiny.load_in_threads(load, check)
    if wrong:
        return reproduced(_tiny.summary(wrong))
    return not_reproduced("160 loads in 4 threads, every one with all %d tensors as in the reference" % len(reference))
