"""MT178: save_pretrained of an offloaded model fails where the names in its file are not those of the model."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "one-file": "a two-layer Mixtral, a layer on disk, saved into one file",
    "sharded": "the same into several files",
    "control": "the same into several files, without offload",
}
_ERRORS = ("has no attribute `", "We could not revert some weight conversions")


def reproduce(workdir: str, shape: str) -> Verdict:
    import transformers

    if not hasattr(transformers, "MixtralForCausalLM"):
        return not_applicable("this release has no Mixtral")
    config = transformers.MixtralConfig(
        hidden_size=_tiny.HIDDEN, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=_tiny.VOCABULARY, num_local_experts=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model_class = transformers.MixtralForCausalLM
    path = _tiny.saved(model_class, config, os.path.join(workdir, "mixtral"), safe_serialization=True)
    places = None if shape == "control" else _tiny.LAYER_ON_DISK
    model = model_class.from_pretrained(path, device_map=places, offload_folder=os.path.join(workdir, "offload"))
    again = os.path.join(workdir, "again")
    try:
        model.save_pretrained(again, max_shard_size="5GB" if shape == "one-file" else "30KB", safe_serialization=True)
    except (AttributeError, RuntimeError) as raised:
        if any(each in str(raised) for each in _ERRORS):
            return reproduced(_tiny.first_line(raised)[:120])
        raise
    wrong = _tiny.differences(model_class.from_pretrained(again), _tiny.reference_state(path))
    if wrong:
        raise AssertionError("saved, but " + _tiny.summary(wrong))
    return not_reproduced("saved, and loaded again it is the same")
