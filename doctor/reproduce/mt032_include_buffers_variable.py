"""MT032: ACCELERATE_INIT_INCLUDE_BUFFERS=1 leaves non-persistent buffers on meta."""

import os
from typing import Any, Dict

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "device-map": "untied Llama, one file, device_map with one device",
    "low-cpu-mem-usage": "the same with low_cpu_mem_usage=True alone",
    "plain": "the same without either",
}
OPTIONS: Dict[str, Dict[str, Any]] = {"device-map": {"device_map": {"": "cpu"}}, "low-cpu-mem-usage": {"low_cpu_mem_usage": True}, "plain": {}}


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import LlamaForCausalLM

    path = _tiny.saved_llama(workdir)
    reference = _tiny.reference_state(path)
    os.environ["ACCELERATE_INIT_INCLUDE_BUFFERS"] = "1"
    try:
        model = LlamaForCausalLM.from_pretrained(path, **OPTIONS[shape])
        model.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, reference)
    if wrong:
        return reproduced("without an error, " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
