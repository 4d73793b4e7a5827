"""MT024: the tied bias of the BERT head stays on meta with low_cpu_mem_usage=True and a safetensors checkpoint."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

BIASES = ["cls.predictions.bias", "cls.predictions.decoder.bias"]


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import BertForMaskedLM

    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")
    model = BertForMaskedLM(_tiny.bert_config())
    with torch.no_grad():
        model.cls.predictions.bias.fill_(0.75)
    path = os.path.join(workdir, "bert")
    model.save_pretrained(path, safe_serialization=True)
    _tiny.keep_reference(path, model)
    reference = _tiny.reference_state(path)
    loaded = BertForMaskedLM.from_pretrained(path, low_cpu_mem_usage=True)
    wrong = _tiny.differences(loaded, reference)
    left = [name for name in _tiny.on_meta(loaded) if name in BIASES]
    if left:
        try:
            loaded.to("cpu")
        except NotImplementedError as error:
            if _tiny.is_meta_error(error):
                return reproduced("%s on meta; %s" % (", ".join(left), _tiny.first_line(error)))
            raise
    if wrong and all(each.split(" ")[0] in BIASES for each in wrong):
        return reproduced("without an error, " + _tiny.summary(wrong))
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
