"""MT024: a tied name of BERT, ALBERT or FSMT stays on meta with low_cpu_mem_usage=True and a safetensors checkpoint."""

import os
from typing import Any

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "bert": "BertForMaskedLM, one safetensors file, low_cpu_mem_usage: the bias of the head",
    "albert": "AlbertForMaskedLM, the same",
    "fsmt": "FSMTForConditionalGeneration with tie_word_embeddings=False, the same: the two names of the decoder's embedding",
}
TIED = ("predictions.bias", "predictions.decoder.bias", "embed_tokens.weight", "output_projection.weight")
"""How the names that are tied end."""
SECOND_NAMES = ("decoder.weight", "predictions.decoder.bias", "output_projection.weight")


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    if not _tiny.has_safetensors() or _tiny.release() < (4, 23):
        return not_applicable("this release reads no safetensors, or they are not installed")
    if shape == "fsmt" and _tiny.release() < (4, 28):
        return not_applicable("this release reads no such file of FSMT: a KeyError")
    model = _model(shape)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("predictions.bias"):
                parameter.fill_(0.75)
    path = os.path.join(workdir, shape)
    _save(model, path)
    _tiny.keep_reference(path, model)
    reference = _tiny.reference_state(path)
    _tiny.dirty_memory((_tiny.VOCABULARY,), (_tiny.VOCABULARY, _tiny.HIDDEN))
    loaded = type(model).from_pretrained(path, low_cpu_mem_usage=True)
    # The position tables of FSMT are MT142.
    wrong = [each for each in _tiny.differences(loaded, reference) if "embed_positions" not in each]
    left = [name for name in _tiny.on_meta(loaded) if name.endswith(TIED)]
    if left:
        try:
            loaded.to("cpu")
        except NotImplementedError as error:
            if _tiny.is_meta_error(error):
                return reproduced("%s on meta; %s" % (", ".join(left), _tiny.first_line(error)))
            raise
    if wrong and all(each.split(" ")[0].endswith(TIED) for each in wrong):
        return reproduced("without an error, " + _tiny.summary(wrong))
    if wrong:
        raise AssertionError("wrong in another way: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))


def _save(model: Any, path: str) -> None:
    """Each tensor once in a safetensors file, which 4.23 to 4.27 read and cannot write."""
    if _tiny.release() >= (4, 28):
        model.save_pretrained(path, safe_serialization=True)
        return
    from safetensors.torch import save_file

    model.config.save_pretrained(path)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if not name.endswith(SECOND_NAMES)}
    save_file(tensors, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})


def _model(shape: str) -> Any:
    import transformers

    if shape == "bert":
        return transformers.BertForMaskedLM(_tiny.bert_config())
    if shape == "albert":
        config = transformers.AlbertConfig(
            hidden_size=_tiny.HIDDEN, embedding_size=_tiny.HIDDEN, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
            vocab_size=_tiny.VOCABULARY, max_position_embeddings=64,
        )  # fmt: skip
        return transformers.AlbertForMaskedLM(config)
    config = transformers.FSMTConfig(
        langs=["en", "de"], src_vocab_size=_tiny.VOCABULARY, tgt_vocab_size=_tiny.VOCABULARY, d_model=_tiny.HIDDEN, encoder_layers=1,
        decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48,
        max_position_embeddings=64, tie_word_embeddings=False,
    )  # fmt: skip
    return transformers.FSMTForConditionalGeneration(config)
