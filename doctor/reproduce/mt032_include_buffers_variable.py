"""MT032: ACCELERATE_INIT_INCLUDE_BUFFERS=1 leaves non-persistent buffers on meta."""

import os
from typing import Any, Dict

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "device-map": "untied Llama, one file, device_map with one device",
    "low-cpu-mem-usage": "the same with low_cpu_mem_usage=True alone",
    "plain": "the same without either",
    "bert-device-map": "BERT, one file, device_map with one device",
    "bert-low-cpu-mem-usage": "the same with low_cpu_mem_usage=True alone",
}
OPTIONS: Dict[str, Dict[str, Any]] = {"device-map": {"device_map": {"": "cpu"}}, "low-cpu-mem-usage": {"low_cpu_mem_usage": True}, "plain": {}}


def reproduce(workdir: str, shape: str) -> Verdict:
    import transformers

    option = shape[len("bert-") :] if shape.startswith("bert-") else shape
    if option == "device-map" and not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    if option == shape and _tiny.release() < (4, 28):
        return not_applicable("this release has no Llama")
    model_class = getattr(transformers, "LlamaForCausalLM" if option == shape else "BertModel")
    path = _tiny.saved_llama(workdir) if option == shape else _tiny.saved_bert(workdir)
    reference = _tiny.reference_state(path)
    os.environ["ACCELERATE_INIT_INCLUDE_BUFFERS"] = "1"
    try:
        model = model_class.from_pretrained(path, **OPTIONS[option])
        model.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, reference)
    if wrong:
        return reproduced("without an error, " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
