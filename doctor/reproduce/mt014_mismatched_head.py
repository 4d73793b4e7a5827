"""MT014: ignore_mismatched_sizes with low_cpu_mem_usage or device_map leaves the new head on meta."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import BertForSequenceClassification

    path = _tiny.saved_bert(workdir, head="BertForSequenceClassification", num_labels=2)
    kept = {name: tensor for name, tensor in _tiny.reference_state(path).items() if not name.startswith("classifier.")}
    for options in ({"low_cpu_mem_usage": True}, {"device_map": {"": "cpu"}}):  # type: Dict[str, Any]
        try:
            model = BertForSequenceClassification.from_pretrained(path, num_labels=5, ignore_mismatched_sizes=True, **options)
            model.to("cpu")
        except NotImplementedError as error:
            if _tiny.is_meta_error(error):
                return reproduced("%s: %s" % (next(iter(options)), _tiny.first_line(error)))
            raise
        wrong = _tiny.differences(model, kept)
        if wrong or model.classifier.weight.shape[0] != 5 or not torch.isfinite(model.classifier.weight).all():
            raise AssertionError("loaded, but wrong: " + "; ".join(wrong or ["the new head"]))
    return not_reproduced("the new head has 5 rows of finite values, all other tensors as in the reference")
