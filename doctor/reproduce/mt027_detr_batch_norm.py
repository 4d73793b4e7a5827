"""MT027: DETR models cannot be loaded with low_cpu_mem_usage=True."""

import os

import _tiny
from _harness import Verdict, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    backbone = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", out_features=["stage2"])
    config = DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, d_model=_tiny.HIDDEN,
        encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48,
        decoder_ffn_dim=48, num_queries=4, num_labels=3,
    )  # fmt: skip
    path = _tiny.saved(DetrForObjectDetection, config, os.path.join(workdir, "detr"))
    try:
        model = DetrForObjectDetection.from_pretrained(path, low_cpu_mem_usage=True)
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    reference = _tiny.reference_state(path)
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))
