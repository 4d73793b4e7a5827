"""MT014: ignore_mismatched_sizes with low_cpu_mem_usage or device_map leaves the new head on meta."""

import os
from typing import Any, Dict

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "low-cpu-mem-usage": "BERT, one file with a head of another size, low_cpu_mem_usage=True",
    "device-map": "the same with a device_map of one device",
    "sharded": "the same in several files, low_cpu_mem_usage=True",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import BertForSequenceClassification

    if shape == "device-map" and not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    size = "20KB" if shape == "sharded" else "5GB"
    path = _tiny.saved(BertForSequenceClassification, _tiny.bert_config(num_labels=2), os.path.join(workdir, "bert"), max_shard_size=size)
    kept = {name: tensor for name, tensor in _tiny.reference_state(path).items() if not name.startswith("classifier.")}
    options: Dict[str, Any] = {"device_map": {"": "cpu"}} if shape == "device-map" else {"low_cpu_mem_usage": True}
    try:
        model = BertForSequenceClassification.from_pretrained(path, num_labels=5, ignore_mismatched_sizes=True, **options)
        model.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    except KeyError as error:
        if shape == "sharded" and error.args[0] in kept:
            return not_applicable("this release loads no such model from several files: " + _tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, kept)
    rows = model.classifier.weight.shape[0]
    if not wrong and rows == 2 and _tiny.release() < (4, 19):
        return not_reproduced("nothing on meta; this release takes the head of the file, 2 rows, as it is")
    if wrong or rows != 5 or not torch.isfinite(model.classifier.weight).all():
        raise AssertionError("loaded, but wrong: " + "; ".join(wrong or ["the new head"]))
    return not_reproduced("the new head has 5 rows of finite values, all other tensors as in the reference")
