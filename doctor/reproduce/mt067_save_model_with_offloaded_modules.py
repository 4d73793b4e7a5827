"""MT067: Accelerator.save_model fails when modules are offloaded."""

import os

import _offload
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "middle-layer": "accelerate alone, three layers, the middle one on disk by dispatch_model, saved into one safetensors file",
    "first-layer": "the same, the first one on disk",
    "several-files": "the same as the first, saved into several safetensors files",
    "control": "no layer on disk, saved into one safetensors file",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from accelerate import Accelerator, dispatch_model
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not hasattr(Accelerator, "save_model"):
        return not_applicable("Accelerator has no save_model")
    model = _offload.fill(_offload.stack()).eval()
    reference = {name: value.clone() for name, value in model.state_dict().items()}
    if shape != "control":
        on_disk = "a" if shape == "first-layer" else "m"
        places = {name: "disk" if name == on_disk else "cpu" for name in ("a", "m", "b")}
        dispatch_model(model, places, main_device="cpu", offload_dir=_offload.folder(workdir))
    target = _offload.folder(workdir, "saved")
    try:
        Accelerator(cpu=True).save_model(model, target, max_shard_size=100 if shape == "several-files" else "10GB", safe_serialization=True)
    except NotImplementedError as error:
        if "Cannot copy out of meta tensor; no data!" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    try:
        files = [each for each in sorted(os.listdir(target)) if each.endswith(".safetensors")]
        saved = {name: value for each in files for name, value in load_file(os.path.join(target, each)).items()}
    except SafetensorError as error:
        return not_applicable("no safetensors file of this release can be read, offloaded or not: " + _offload.first_line(error))
    wrong = [n for n, value in reference.items() if n not in saved or not torch.equal(saved[n], value)]
    if wrong:
        raise AssertionError("saved without an error, but missing or wrong: " + ", ".join(wrong))
    return not_reproduced(f"all {len(reference)} tensors of the file equal the model's")
