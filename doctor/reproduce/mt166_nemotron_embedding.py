"""MT166: NemotronH files of the first releases name the embedding in the singular; later ones do not find it there."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "causal-lm": "NemotronHForCausalLM, a file with `backbone.embedding.weight`",
    "control": "the same file with `backbone.embeddings.weight`, as NVIDIA publishes it",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    import transformers
    from safetensors.torch import load_file, save_file

    if not hasattr(transformers, "NemotronHForCausalLM"):
        return not_applicable("this release has no NemotronH")
    config = transformers.NemotronHConfig(
        hidden_size=_tiny.HIDDEN, vocab_size=_tiny.VOCABULARY, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        intermediate_size=48, layers_block_type=["attention"], tie_word_embeddings=False,
    )  # fmt: skip
    path = _tiny.saved(transformers.NemotronHForCausalLM, config, os.path.join(workdir, "nemotron"))
    file = os.path.join(path, "model.safetensors")
    state = load_file(file)
    (name,) = (each for each in state if "embedding" in each)
    embedding = state.pop(name)
    state["backbone.embeddings.weight" if shape == "control" else "backbone.embedding.weight"] = embedding
    save_file({key.replace("model.", "backbone.", 1): each for key, each in state.items()}, file, metadata={"format": "pt"})
    found = transformers.NemotronHForCausalLM.from_pretrained(path).get_input_embeddings().weight
    if found.device.type == "meta":
        raise AssertionError("the embedding is on meta")
    if torch.equal(found, embedding):
        return not_reproduced("the embedding is that of the file")
    return reproduced("without an error, the embedding is not that of the file")
