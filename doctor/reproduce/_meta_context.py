"""from_pretrained inside a context that puts new tensors on meta."""

import contextlib
import os
from typing import Any, Dict, Iterator, Tuple

import _causal
import _tiny


def missing_here(shape: str) -> str:
    """Why this release of transformers or torch has no such load; empty where it has."""
    import torch

    if shape in ("torch-device", "default-device", "torch-device-map") and not hasattr(torch, "set_default_device"):
        return "torch before 2.0 has no such context"
    if shape == "torch-device-map" and not _causal.takes_device_map():
        return "this release has no device_map"
    return ""


def saved(workdir: str, shape: str) -> Tuple[Any, str]:
    """The class of a small model and the directory of its checkpoint."""
    from transformers import BertModel, GPT2LMHeadModel

    if shape == "empty-weights-tied":
        return GPT2LMHeadModel, _tiny.saved(GPT2LMHeadModel, _tiny.gpt2_config(), os.path.join(workdir, "gpt2"))
    return BertModel, _tiny.saved(BertModel, _tiny.bert_config(), os.path.join(workdir, "bert"))


def loaded(model_class: Any, path: str, shape: str) -> Any:
    """The model, loaded inside the context that `shape` names."""
    options: Dict[str, Any] = {"device_map": {"": "cpu"}} if shape.endswith("map") else {}
    with _entered(shape):
        return model_class.from_pretrained(path, **options)


@contextlib.contextmanager
def _entered(shape: str) -> Iterator[None]:
    import torch

    if shape == "default-device":
        torch.set_default_device("meta")
        try:
            yield
        finally:
            torch.set_default_device("cpu")
    elif shape.startswith("torch-device"):
        with torch.device("meta"):
            yield
    elif shape.startswith("empty-weights"):
        from accelerate import init_empty_weights

        with init_empty_weights():
            yield
    else:
        yield


def is_type_error(error: BaseException) -> bool:
    """Whether accelerate hands an attribute that transformers put on a parameter to its constructor."""
    return isinstance(error, TypeError) and "unexpected keyword argument '_is_hf_initialized'" in str(error)
