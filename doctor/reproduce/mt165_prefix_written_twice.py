"""MT165: a class of one's own whose model_type transformers has conversions for is saved under doubled names."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "nomic-bert": "a class of one's own with the model_type nomic_bert and a part `encoder.layers`, saved into one file",
    "control": "the same with a model_type of its own",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from safetensors.torch import load_file
    from torch import nn
    from transformers import PretrainedConfig, PreTrainedModel

    class OwnConfig(PretrainedConfig):
        model_type = "of_my_own" if shape == "control" else "nomic_bert"

    class Own(PreTrainedModel):
        config_class = OwnConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.bert = nn.Module()
            self.bert.encoder = nn.Module()
            self.bert.encoder.layers = nn.ModuleList([nn.Linear(4, 4)])
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    model = Own(OwnConfig())
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    path = os.path.join(workdir, "own")
    model.save_pretrained(path, safe_serialization=True)
    written, held = set(load_file(os.path.join(path, "model.safetensors"))), set(model.state_dict())
    if written == held:
        return not_reproduced("%d tensors under the names of the model" % len(held))
    wrong = _tiny.differences(Own.from_pretrained(path), dict(_tiny.named_tensors(model)))
    after = "loaded again it is right" if not wrong else "loaded again, " + _tiny.summary(wrong)
    return reproduced("without an error, %s is written as %s; %s" % (sorted(held - written)[0], sorted(written - held)[0], after))
