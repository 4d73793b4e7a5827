"""MT163: the parameters of CLIPTextModel are named without `text_model.`: files and adapters of before do not fit by name."""

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "strict": "CLIPTextModel, a state dict under the names of before, load_state_dict",
    "not-strict": "the same with strict=False",
    "control": "the same names in a file that from_pretrained loads",
}
OLD = "text_model."


def reproduce(workdir: str, shape: str) -> Verdict:
    import os

    import torch
    from safetensors.torch import save_file
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        hidden_size=_tiny.HIDDEN, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4, vocab_size=_tiny.VOCABULARY,
        max_position_embeddings=16, projection_dim=_tiny.HIDDEN,
    )  # fmt: skip
    original, model = CLIPTextModel(config), CLIPTextModel(config)
    state = {name if name.startswith(OLD) else OLD + name: tensor for name, tensor in original.state_dict().items()}
    try:
        if shape == "control":
            path = os.path.join(workdir, "clip")
            config.save_pretrained(path)
            save_file(dict(state), os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
            model = CLIPTextModel.from_pretrained(path)
        else:
            model.load_state_dict(state, strict=shape == "strict")
    except RuntimeError as error:
        if "Missing key(s) in state_dict" in str(error):
            return reproduced("RuntimeError: Missing key(s) in state_dict, of every parameter")
        raise
    wrong = [name for name, tensor in original.state_dict().items() if not torch.equal(model.state_dict()[name], tensor)]
    if wrong:
        return reproduced("without an error, %d tensors are not those of the state dict" % len(wrong))
    return not_reproduced("all %d tensors as in the state dict" % len(state))
