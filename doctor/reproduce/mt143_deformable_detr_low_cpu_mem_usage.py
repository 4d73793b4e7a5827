"""MT143: Deformable DETR models cannot be loaded with low_cpu_mem_usage=True or a device_map."""

import os
from typing import Any, Dict

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "low-cpu-mem-usage": "Deformable DETR with a backbone, one file, low_cpu_mem_usage",
    "device-map": "the same, device_map with one device",
    "control": "the same, a plain load",
}
OPTIONS: Dict[str, Dict[str, Any]] = {"low-cpu-mem-usage": {"low_cpu_mem_usage": True}, "device-map": {"device_map": {"": "cpu"}}, "control": {}}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    from transformers import DeformableDetrConfig, DeformableDetrForObjectDetection, ResNetConfig

    backbone = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", out_features=["stage1", "stage2"])
    config = DeformableDetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, d_model=_tiny.HIDDEN,
        encoder_layers=1, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48,
        decoder_ffn_dim=48, num_queries=4, num_labels=3, num_feature_levels=2, encoder_n_points=1, decoder_n_points=1,
    )  # fmt: skip
    original = DeformableDetrForObjectDetection(config)
    path = os.path.join(workdir, "detr")
    os.makedirs(path)
    # Not save_pretrained: old releases cannot write this configuration.
    torch.save(original.state_dict(), os.path.join(path, "pytorch_model.bin"))
    _tiny.keep_reference(path, original)
    try:
        model = DeformableDetrForObjectDetection.from_pretrained(path, config=config, **OPTIONS[shape])
    except (NotImplementedError, RuntimeError) as error:
        if _tiny.is_meta_error(error) or "incompatible tensor type" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    if wrong:
        return reproduced("loaded without an error, but " + _tiny.summary(wrong))
    return not_reproduced("all tensors as in the reference")
