"""One set of tensors in every form a checkpoint takes."""

import json
import os
from typing import Any, Dict, Iterable, Sequence

FORMS = {"one-bin": "one .bin file", "one-safetensors": "one safetensors file", "several-bin": "two .bin files"}


def state_file(module: Any, workdir: str, form: str, leave_out: Iterable[str] = ()) -> str:
    """The state dict of `module` in the `form` (of FORMS); the file, or the folder of several."""
    skipped = set(leave_out)
    state = {name: tensor.detach() for name, tensor in module.state_dict().items() if name not in skipped}
    if form == "one-safetensors":
        from safetensors.torch import save_file

        path = os.path.join(workdir, "weights.safetensors")
        save_file(state, path)
        return path
    if form == "several-bin":
        return _several(state, os.path.join(workdir, "weights"))
    import torch

    path = os.path.join(workdir, "weights.bin")
    torch.save(state, path)
    return path


def as_bin(model: Any, path: str) -> None:
    """Puts the weights of `model` beside its configuration in `path` as .bin, which save_pretrained of transformers 5 does not write."""
    import torch

    for name in os.listdir(path):
        if name.endswith(".safetensors"):
            os.remove(os.path.join(path, name))
    torch.save(model.state_dict(), os.path.join(path, "pytorch_model.bin"))


def _several(state: Dict[str, Any], folder: str) -> str:
    import torch

    os.makedirs(folder)
    names = sorted(state)
    parts: Sequence[Sequence[str]] = (names[::2], names[1::2])
    where = {}
    for number, part in enumerate(parts, 1):
        file = "pytorch_model-%05d-of-00002.bin" % number
        torch.save({name: state[name] for name in part}, os.path.join(folder, file))
        where.update(dict.fromkeys(part, file))
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    with open(os.path.join(folder, "pytorch_model.bin.index.json"), "w", encoding="utf-8") as index:
        json.dump({"metadata": {"total_size": size}, "weight_map": where}, index)
    return folder
