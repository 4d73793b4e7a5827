"""MT185: a diffusers model that is group offloaded to disk is saved with memory that was never written."""

import inspect
import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "leaf-level": "a small UNet2DModel, every layer offloaded to disk, saved",
    "block-level": "the same, block by block",
    "state-dict": "the same, its state_dict() after a forward pass",
    "control": "the same offloaded to the CPU, saved",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from diffusers import UNet2DModel

    offload = getattr(UNet2DModel, "enable_group_offload", None)
    if offload is None or "offload_to_disk_path" not in inspect.signature(offload).parameters:
        return not_applicable("this release offloads no groups to disk")
    torch.manual_seed(0)
    model = UNet2DModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ).eval()  # fmt: skip
    expected = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.ones(1, 3, 8, 8)
    with torch.no_grad():
        before = model(images, 1).sample
    options = {"offload_type": "leaf_level"} if shape != "block-level" else {"offload_type": "block_level", "num_blocks_per_group": 1}
    if shape != "control":
        options["offload_to_disk_path"] = os.path.join(workdir, "offload")
    _tiny.dirty_memory(*{tuple(each.shape) for each in expected.values()})
    try:
        model.enable_group_offload(onload_device=torch.device("cpu"), offload_device=torch.device("cpu"), **options)
        with torch.no_grad():
            after = model(images, 1).sample
    except AttributeError as error:
        if "'NoneType' object has no attribute 'type'" in str(error):
            return not_applicable("without an accelerator this release offloads no groups")
        raise
    if not torch.allclose(after, before, atol=1e-4):
        raise AssertionError("offloaded, it computes something else")
    if shape == "state-dict":
        found = model.state_dict()
    else:
        model.save_pretrained(os.path.join(workdir, "saved"))
        found = UNet2DModel.from_pretrained(os.path.join(workdir, "saved")).state_dict()
    wrong = [name for name, tensor in expected.items() if not torch.equal(found[name], tensor)]
    if wrong:
        return reproduced("without an error, %d of %d tensors hold what was in memory" % (len(wrong), len(expected)))
    return not_reproduced("every tensor is as it was before")
