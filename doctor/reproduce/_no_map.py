"""Loading a file into a model on meta with accelerate and no device_map."""

import warnings
from typing import Any

import _offload


def stack_on_meta(one_layer: bool) -> Any:
    """A model wholly on meta, or with its first layer only there."""
    from accelerate import init_empty_weights

    with init_empty_weights():
        model = _offload.stack()
    if one_layer:
        kept = _offload.stack()
        model.m, model.b = kept.m, kept.b
    return model


def load(model: Any, path: str, dispatch: bool = False) -> str:
    """Load with load_checkpoint_in_model, or load_checkpoint_and_dispatch; what stayed on meta, or the word `refused`, or nothing."""
    import accelerate

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (accelerate.load_checkpoint_and_dispatch if dispatch else accelerate.load_checkpoint_in_model)(model, path)
    except ValueError as error:
        if "Default process group has not been initialized" in str(error):
            return "refused"
        raise
    return ", ".join(_offload.on_meta(model))
