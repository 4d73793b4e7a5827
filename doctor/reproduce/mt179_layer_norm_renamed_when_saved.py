"""MT179: a BERT that was loaded is saved with LayerNorm.gamma and LayerNorm.beta for weight and bias."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "bert": "BERT, loaded and saved, the file given to load_state_dict",
    "offloaded": "BERT with a layer on disk, saved",
    "control": "BERT, saved as it was built, the file given to load_state_dict",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from safetensors.torch import load_file
    from transformers import BertModel

    torch.manual_seed(0)
    model = BertModel(_tiny.bert_config())
    path = os.path.join(workdir, "bert")
    model.save_pretrained(path, safe_serialization=True)
    if shape == "bert":
        loaded = BertModel.from_pretrained(path)
    elif shape == "offloaded":
        places = {"embeddings": "cpu", "encoder.layer.0": "cpu", "encoder.layer.1": "disk", "pooler": "cpu"}
        loaded = BertModel.from_pretrained(path, device_map=places, offload_folder=os.path.join(workdir, "offload"))
    else:
        loaded = model
    again = os.path.join(workdir, "again")
    try:
        loaded.save_pretrained(again, safe_serialization=True)
        fresh = BertModel(_tiny.bert_config())
        fresh.load_state_dict(load_file(os.path.join(again, "model.safetensors")))
    except (KeyError, RuntimeError) as error:
        if "LayerNorm.beta" in str(error) or "LayerNorm.weight" in str(error):
            return reproduced(_tiny.first_line(error)[:100])
        raise
    wrong = _tiny.differences(fresh, model.state_dict())
    if wrong:
        raise AssertionError("read again, but " + _tiny.summary(wrong))
    return not_reproduced("the file has the names of the model, and its values")
