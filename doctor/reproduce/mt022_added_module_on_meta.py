"""MT022: a module missing from the checkpoint stays on meta with low_cpu_mem_usage=True."""

import os
from typing import Any, Dict, Tuple

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "llama": "a Llama class with a layer more than its file, low_cpu_mem_usage=True",
    "gpt2": "a GPT-2 class with a layer more than its file, low_cpu_mem_usage=True",
    "head-over-base": "BertForSequenceClassification from the file of a BertModel, low_cpu_mem_usage=True",
    "sharded": "a GPT-2 class with a layer more than its three files or more, low_cpu_mem_usage=True",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    if shape == "llama" and _tiny.release() < (4, 28):
        return not_applicable("this release has no Llama")
    model_class, path, added, kept = _head_over_base(workdir) if shape == "head-over-base" else _with_layer(workdir, shape)
    _tiny.dirty_memory((_tiny.HIDDEN, _tiny.HIDDEN))
    model = model_class.from_pretrained(path, low_cpu_mem_usage=True)
    left = _tiny.on_meta(model)
    try:
        model.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error) and any(name.startswith(added) for name in left):
            return reproduced("on meta: %s; %s" % (", ".join(left), _tiny.first_line(error)))
        raise
    wrong = _tiny.differences(model, kept)
    new = dict(_tiny.named_tensors(model))[added + ".weight"]
    if wrong or not torch.isfinite(new).all():
        raise AssertionError("loaded, but wrong: " + "; ".join(wrong or [added + ".weight is not finite"]))
    return not_reproduced("the added layer has finite values, all %d other tensors as in the reference" % len(kept))


def _with_layer(workdir: str, shape: str) -> Tuple[Any, str, str, Dict[str, Any]]:
    from torch import nn

    options = {"max_shard_size": "20KB"} if shape == "sharded" else {}
    parent, path = _causal.saved(workdir, "llama" if shape == "llama" else "gpt2", **options)

    class WithExtraLayer(parent):  # type: ignore[misc, valid-type]
        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.extra = nn.Linear(config.hidden_size, config.hidden_size)
            self.post_init()

    return WithExtraLayer, path, "extra", _tiny.reference_state(path)


def _head_over_base(workdir: str) -> Tuple[Any, str, str, Dict[str, Any]]:
    from transformers import BertForSequenceClassification, BertModel

    path = _tiny.saved(BertModel, _tiny.bert_config(), os.path.join(workdir, "bert"))
    kept = {"bert." + name: tensor for name, tensor in _tiny.reference_state(path).items()}
    return BertForSequenceClassification, path, "classifier", kept
