"""MT105: diffusers loads a folder that lacks a weight and leaves that weight on meta."""

import os

from _harness import Verdict, not_applicable, not_reproduced, reproduced


def drop_weight(folder: str) -> str:
    """Take one weight out of the saved file and return its name."""
    from safetensors.torch import load_file, save_file

    path = os.path.join(folder, "diffusion_pytorch_model.safetensors")
    state = load_file(path)
    name = sorted(state)[0]
    del state[name]
    save_file(state, path, metadata={"format": "pt"})
    return name


def reproduce(workdir: str) -> Verdict:
    try:
        from diffusers import AutoencoderKL
    except ImportError:
        return not_applicable("diffusers is not installed")
    small = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4, latent_channels=2, sample_size=8)
    folder = os.path.join(workdir, "vae")
    small.save_pretrained(folder)
    name = drop_weight(folder)
    try:
        model = AutoencoderKL.from_pretrained(folder, low_cpu_mem_usage=True)
    except ValueError as error:
        if "because the following keys are missing" in str(error) and name in str(error):
            return not_reproduced("the folder is refused, with the name of the missing weight")
        raise
    left = [key for key, value in model.named_parameters() if value.device.type == "meta"]
    try:
        model.to("cpu")
    except NotImplementedError as error:
        if "Cannot copy out of meta tensor; no data!" in str(error) and left == [name]:
            return reproduced(f"NotImplementedError: Cannot copy out of meta tensor; no data! ({name})")
        raise
    if left:
        raise AssertionError("moved, although on meta: " + ", ".join(left))
    return not_reproduced("every parameter has a value after the load")
