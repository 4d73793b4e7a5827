"""MT142: the position tables of Speech2Text and FSMT are lost with low_cpu_mem_usage=True or a device_map."""

import os
from typing import Any, Dict

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "speech2text": "Speech2TextForConditionalGeneration, low_cpu_mem_usage",
    "fsmt": "FSMTForConditionalGeneration, low_cpu_mem_usage",
    "speech2text-device-map": "Speech2TextForConditionalGeneration, device_map with one device",
    "fsmt-device-map": "FSMTForConditionalGeneration, device_map with one device",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    model = _model(shape)
    path = os.path.join(workdir, shape)
    model.save_pretrained(path)
    _tiny.keep_reference(path, model)
    tables = {name: tensor for name, tensor in _tiny.reference_state(path).items() if "embed_positions" in name}
    _tiny.dirty_memory(*{tuple(each.shape) for each in tables.values()})
    options: Dict[str, Any] = {"device_map": {"": "cpu"}} if shape.endswith("device-map") else {"low_cpu_mem_usage": True}
    try:
        loaded = type(model).from_pretrained(path, **options)
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(loaded, tables)
    if any(name in tables for name in _tiny.on_meta(loaded)):
        try:
            loaded.to("cpu")
        except NotImplementedError as error:
            if _tiny.is_meta_error(error):
                return reproduced("%s; %s" % (_tiny.summary(wrong), _tiny.first_line(error)))
            raise
    if wrong:
        return reproduced("without an error, " + _tiny.summary(wrong))
    return not_reproduced("all %d position tables as in the reference" % len(tables))


def _model(shape: str) -> Any:
    import transformers

    sizes = {
        "d_model": _tiny.HIDDEN, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
        "encoder_ffn_dim": 48, "decoder_ffn_dim": 48,
    }  # fmt: skip
    if shape.startswith("fsmt"):
        config = transformers.FSMTConfig(
            langs=["en", "de"], src_vocab_size=_tiny.VOCABULARY, tgt_vocab_size=_tiny.VOCABULARY, max_position_embeddings=64, **sizes
        )  # fmt: skip
        return transformers.FSMTForConditionalGeneration(config)
    config = transformers.Speech2TextConfig(
        vocab_size=_tiny.VOCABULARY, max_source_positions=64, max_target_positions=64, num_conv_layers=1, conv_kernel_sizes=(3,),
        conv_channels=16, input_feat_per_channel=8, **sizes,
    )  # fmt: skip
    return transformers.Speech2TextForConditionalGeneration(config)
