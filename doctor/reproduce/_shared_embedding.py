"""An encoder-decoder loaded from a file that holds the shared embedding under one of its other names only."""

import os
from typing import Any, List

import _split_tie
import _tiny

NAMES = {
    "bart-encoder": "model.encoder.embed_tokens.weight", "bart-decoder": "model.decoder.embed_tokens.weight", "bart-head": "lm_head.weight",
    "t5-head": "lm_head.weight", "control": "model.shared.weight",
}  # fmt: skip
TIED = {*NAMES.values(), "shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}


def differences(workdir: str, shape: str) -> List[str]:
    """What of the embedding is wrong after a plain load of one safetensors file."""
    from safetensors.torch import save_file

    model = _model(shape, workdir)
    path = os.path.join(workdir, "file")
    model.config.save_pretrained(path)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name not in TIED or name == NAMES[shape]}
    save_file(tensors, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    _tiny.keep_reference(path, model)
    _tiny.dirty_memory((_tiny.VOCABULARY, _tiny.HIDDEN))
    wrong = _tiny.differences(type(model).from_pretrained(path), _tiny.reference_state(path))
    if any(each.split(" ")[0] not in TIED for each in wrong):
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return wrong


def _model(shape: str, workdir: str) -> Any:
    from transformers import BartConfig, BartForConditionalGeneration, T5ForConditionalGeneration

    if shape.startswith("t5"):
        return T5ForConditionalGeneration.from_pretrained(_split_tie.t5(workdir))
    config = BartConfig(
        d_model=_tiny.HIDDEN, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=48, decoder_ffn_dim=48, vocab_size=_tiny.VOCABULARY, max_position_embeddings=64,
    )  # fmt: skip
    return BartForConditionalGeneration(config)
