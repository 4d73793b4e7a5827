"""A class of one's own that ties its head to its embedding, and a file that holds the tied tensor once."""

import os
from typing import Any, Dict, Optional

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce_with(workdir: str, members: Dict[str, Any], error: Optional[str]) -> Verdict:
    """Whether a class with these members of its own cannot be loaded, for this error; None: whether it is loaded with the pair untied."""
    from transformers import LlamaConfig, PreTrainedModel

    if not _tiny.has_safetensors():
        return not_applicable("safetensors is not installed")
    config = _tiny.llama_config(tie_word_embeddings=True)
    path = os.path.join(workdir, "model")
    os.makedirs(path)
    config.save_pretrained(path)
    expected = _save_weights(config, path)
    of = type("Tied", (_model_class(PreTrainedModel, LlamaConfig),), members)
    try:
        model = of.from_pretrained(path)
    except (AttributeError, TypeError) as raised:
        if error is not None and error in str(raised):
            return reproduced(_tiny.first_line(raised))
        raise
    if not bool((model.embedding.weight == expected).all()):
        raise AssertionError("the embedding is not what the file holds")
    if not bool((model.head.weight == expected).all()):
        if error is None:
            return reproduced("the head is not what the file holds for the pair")
        raise AssertionError("loaded, but the head is not what the file holds for the pair")
    return not_reproduced("both names of the pair hold what the file holds")


def _model_class(base: Any, config_class: Any) -> Any:
    from torch import nn

    class Model(base):  # type: ignore[misc]
        pass

    def constructor(self, config):  # type: ignore[no-untyped-def]
        super(Model, self).__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    Model.__init__ = constructor
    Model.config_class = config_class
    Model._init_weights = lambda self, module: None
    Model.get_input_embeddings = lambda self: self.embedding
    Model.set_input_embeddings = lambda self, value: setattr(self, "embedding", value)
    Model.get_output_embeddings = lambda self: self.head
    Model.set_output_embeddings = lambda self, value: setattr(self, "head", value)
    return Model


def _save_weights(config: Any, path: str) -> Any:
    import torch
    from safetensors.torch import save_file

    weight = torch.arange(config.vocab_size * config.hidden_size, dtype=torch.float32).reshape(config.vocab_size, config.hidden_size)
    save_file({"embedding.weight": weight}, os.path.join(path, "model.safetensors"), {"format": "pt"})
    return weight
