"""MT020: a custom model that never calls post_init() cannot be loaded by transformers 5."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from torch import nn
    from transformers import LlamaConfig, PreTrainedModel

    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")

    class WithoutPostInit(PreTrainedModel):
        config_class = LlamaConfig

        def __init__(self, config):  # type: ignore[no-untyped-def]
            super().__init__(config)
            self.part = nn.Linear(config.hidden_size, config.hidden_size)

        def _init_weights(self, module):  # type: ignore[no-untyped-def]
            pass

    model = WithoutPostInit(_tiny.llama_config())
    path = os.path.join(workdir, "model")
    os.makedirs(path)
    model.config.save_pretrained(path)
    _save_weights(model, path)
    try:
        loaded = WithoutPostInit.from_pretrained(path)
    except AttributeError as error:
        if "object has no attribute 'all_tied_weights_keys'" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(loaded, dict(_tiny.named_tensors(model)))
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("both tensors as in the reference")


def _save_weights(model, path):  # type: ignore[no-untyped-def]
    """By hand: save_pretrained of such a model may fail too, and that is not the question."""
    from safetensors.torch import save_file

    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, os.path.join(path, "model.safetensors"), {"format": "pt"})
