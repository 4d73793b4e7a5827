"""MT067: Accelerator.save_model fails or writes an unreadable file when modules are offloaded."""

import os

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from accelerate import Accelerator, dispatch_model
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not hasattr(Accelerator, "save_model"):
        return not_applicable("Accelerator has no save_model")
    model = _offload.fill(_offload.stack()).eval()
    reference = {name: value.clone() for name, value in model.state_dict().items()}
    places = {"a": "cpu", "m": "disk", "b": "cpu"}
    dispatch_model(model, places, main_device="cpu", offload_dir=_offload.folder(workdir))
    target = _offload.folder(workdir, "saved")
    try:
        Accelerator(cpu=True).save_model(model, target, safe_serialization=True)
    except NotImplementedError as error:
        if "Cannot copy out of meta tensor; no data!" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    try:
        saved = load_file(os.path.join(target, "model.safetensors"))
    except SafetensorError as error:
        return reproduced("the file written cannot be read: " + _offload.first_line(error))
    wrong = [n for n, value in reference.items() if n not in saved or not torch.equal(saved[n], value)]
    if wrong:
        raise AssertionError("saved without an error, but missing or wrong: " + ", ".join(wrong))
    return not_reproduced(f"all {len(reference)} tensors of the file equal the model's")
