"""MT023: Marian and Pegasus position tables are lost with low_cpu_mem_usage=True or device_map."""

import os
from typing import Any, Dict

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "pegasus": "Pegasus, a file without the tables, low_cpu_mem_usage=True",
    "pegasus-device-map": 'Pegasus, a file without the tables, device_map={"": "cpu"}',
    "marian": "Marian, a file without the tables, low_cpu_mem_usage=True",
    "marian-device-map": 'Marian, a file without the tables, device_map={"": "cpu"}',
}
SIZES: Dict[str, Any] = {
    "d_model": _tiny.HIDDEN, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "vocab_size": _tiny.VOCABULARY, "max_position_embeddings": 64,
    "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0, "forced_eos_token_id": 1,
}  # fmt: skip
TABLES = ["model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"]


def reproduce(workdir: str, shape: str) -> Verdict:
    from transformers import MarianConfig, MarianMTModel, PegasusConfig, PegasusForConditionalGeneration

    name, _, option = shape.partition("-")
    if option and not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    if name == "pegasus":
        model: Any = PegasusForConditionalGeneration(PegasusConfig(**SIZES))
    else:
        model = MarianMTModel(MarianConfig(decoder_vocab_size=_tiny.VOCABULARY, **SIZES))
    path = os.path.join(workdir, name)
    model.save_pretrained(path, state_dict={key: tensor for key, tensor in model.state_dict().items() if key not in TABLES})
    _tiny.keep_reference(path, model)
    _tiny.dirty_memory((64, _tiny.HIDDEN))
    options: Dict[str, Any] = {"device_map": {"": "cpu"}} if option else {"low_cpu_mem_usage": True}
    try:
        loaded = type(model).from_pretrained(path, **options)
        loaded.to("cpu")
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    except ValueError as error:
        if "is on the meta device, we need a `value`" in str(error) or "doesn't have any device set" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(loaded, _tiny.reference_state(path), only=TABLES)
    if wrong:
        return reproduced("without an error, " + _tiny.summary(wrong))
    return not_reproduced("both position tables as in the reference")
