"""MT160: transformers 5 does not look at a class's own _checkpoint_conversion_mapping: its weights stay at their initialisation."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "plain": "a class of one's own with a mapping and llava in its name, one file under the old names, plain load",
    "device-map": 'the same, device_map={"": "cpu"}',
    "control": "the same with key_mapping given to from_pretrained",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from safetensors.torch import save_file
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    if _tiny.release() < (4, 52):
        return not_applicable("this release knows no mapping of a class")

    class LlavaOfMyOwn(PreTrainedModel):
        config_class = LlamaConfig
        _checkpoint_conversion_mapping = {} if shape == "control" else {"^old": "part"}

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.part = nn.Linear(_tiny.HIDDEN, _tiny.HIDDEN)
            self.post_init()

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    path = os.path.join(workdir, "model")
    _tiny.llama_config().save_pretrained(path)
    values = {"old.weight": torch.full((_tiny.HIDDEN, _tiny.HIDDEN), 0.5), "old.bias": torch.full((_tiny.HIDDEN,), 0.25)}
    save_file(values, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    options = {"key_mapping": {"^old": "part"}} if shape == "control" else {"device_map": {"": "cpu"}} if shape == "device-map" else {}
    part = LlavaOfMyOwn.from_pretrained(path, **options).part
    if part.weight.device.type == "meta":
        raise AssertionError("part.weight is on meta")
    if torch.equal(part.weight, values["old.weight"]) and torch.equal(part.bias, values["old.bias"]):
        return not_reproduced("part.weight and part.bias as in the file")
    return reproduced("without an error, part.weight is not that of the file")
