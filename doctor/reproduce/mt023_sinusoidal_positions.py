"""MT023: Marian and Pegasus position tables are lost with low_cpu_mem_usage=True."""

import os
from typing import Any, Dict, Optional

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SIZES: Dict[str, Any] = {
    "d_model": _tiny.HIDDEN, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "vocab_size": _tiny.VOCABULARY, "max_position_embeddings": 64,
    "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0, "forced_eos_token_id": 1,
}  # fmt: skip
TABLES = ["model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"]


def reproduce(workdir: str) -> Verdict:
    """Pegasus first: there the loss is silent."""
    from transformers import MarianConfig, MarianMTModel, PegasusConfig, PegasusForConditionalGeneration

    for model_class, config in (
        (PegasusForConditionalGeneration, PegasusConfig(**SIZES)),
        (MarianMTModel, MarianConfig(decoder_vocab_size=_tiny.VOCABULARY, **SIZES)),
    ):
        loss = _loss(model_class, config, os.path.join(workdir, model_class.__name__))
        if loss is not None:
            return reproduced("%s: %s" % (model_class.__name__, loss))
    return not_reproduced("all position tables of both models as in the reference")


def _loss(model_class: Any, config: Any, path: str) -> Optional[str]:
    model = model_class(config)
    kept = {name: tensor for name, tensor in model.state_dict().items() if name not in TABLES}
    model.save_pretrained(path, state_dict=kept)
    _tiny.keep_reference(path, model)
    _tiny.dirty_memory((64, _tiny.HIDDEN))
    loaded = model_class.from_pretrained(path, low_cpu_mem_usage=True)
    wrong = _tiny.differences(loaded, _tiny.reference_state(path), only=TABLES)
    if not wrong:
        return None
    if all(name in _tiny.on_meta(loaded) for name in TABLES):
        try:
            loaded.to("cpu")
        except NotImplementedError as error:
            if _tiny.is_meta_error(error):
                return _tiny.first_line(error)
            raise
    return "without an error, " + _tiny.summary(wrong)
