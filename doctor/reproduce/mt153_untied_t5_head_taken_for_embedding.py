"""MT153: a T5 whose file names its embedding otherwise than `shared`, and has a head of its own, gets the head as embedding."""

import json
import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "decoder-name": "T5, tie_word_embeddings=False, one safetensors file: the embedding named decoder.embed_tokens, and lm_head",
    "encoder-name": "the same, named encoder.embed_tokens",
    "control": "T5, the file names it shared",
}
NAMES = {"decoder-name": "decoder.embed_tokens.weight", "encoder-name": "encoder.embed_tokens.weight", "control": "shared.weight"}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from safetensors.torch import save_file
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        d_model=_tiny.HIDDEN, d_kv=8, d_ff=48, num_layers=1, num_decoder_layers=1, num_heads=4, vocab_size=_tiny.VOCABULARY,
        decoder_start_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    torch.manual_seed(20261129)
    model = T5ForConditionalGeneration(config)
    size = (_tiny.VOCABULARY, _tiny.HIDDEN)
    embedding, head = torch.randn(size), torch.randn(size)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if tensor.shape != size}
    tensors.update({NAMES[shape]: embedding, "lm_head.weight": head})
    path = os.path.join(workdir, "model")
    os.makedirs(path)
    config.save_pretrained(path)
    _write_untied(os.path.join(path, "config.json"))
    save_file(tensors, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    loaded = T5ForConditionalGeneration.from_pretrained(path)
    found = {"encoder": loaded.encoder.embed_tokens.weight, "decoder": loaded.decoder.embed_tokens.weight}
    if not torch.equal(loaded.lm_head.weight, head):
        raise AssertionError("the head is not that of the file")
    wrong = [name for name, weight in found.items() if not torch.equal(weight, embedding)]
    if not wrong:
        return not_reproduced("embedding and head as in the file")
    if not all(torch.equal(found[name], head) for name in wrong):
        raise AssertionError("the embedding is neither that of the file nor the head")
    return reproduced("without an error, the embedding of the %s is the head" % " and the ".join(wrong))


def _write_untied(file: str) -> None:
    """5.x writes that it ties, whatever it was given."""
    with open(file, encoding="utf-8") as stream:
        settings = json.load(stream)
    with open(file, "w", encoding="utf-8") as stream:
        json.dump(dict(settings, tie_word_embeddings=False), stream)
