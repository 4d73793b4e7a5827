"""MT181: from_pretrained(state_dict=...) takes the tensors it is given for its parameters, and two models share them."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "two-models": "two BERT models from one state dict",
    "control": "the same, the second from copies of the tensors",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import BertModel

    config = _tiny.bert_config()
    torch.manual_seed(0)
    state = BertModel(config).state_dict()
    copies, expected = ({name: tensor.clone() for name, tensor in state.items()} for _ in range(2))
    first = BertModel.from_pretrained(None, config=config, state_dict=dict(state))
    second = BertModel.from_pretrained(None, config=config, state_dict=copies if shape == "control" else dict(state))
    with torch.no_grad():
        for parameter in first.parameters():
            parameter += 1.0
    wrong = _tiny.differences(second, {name: expected[name] for name, _ in second.named_parameters()})
    if wrong:
        return reproduced("without an error, changing one model changed the other: " + _tiny.summary(wrong))
    return not_reproduced("changing one model leaves the other as it was")
