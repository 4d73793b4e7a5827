"""MT027: DETR models cannot be loaded with low_cpu_mem_usage=True or a device_map."""

import os
from typing import Any, Dict

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "detr-low-cpu-mem-usage": "DETR with a ResNet backbone, one file, low_cpu_mem_usage",
    "detr-device-map": 'the same, device_map={"": "cpu"}',
    "detr-base": "the same, the base class DetrModel from a file of DetrForObjectDetection, low_cpu_mem_usage",
    "conditional-low-cpu-mem-usage": "Conditional DETR with a ResNet backbone, one file, low_cpu_mem_usage",
    "conditional-device-map": 'the same, device_map={"": "cpu"}',
    "control": "DETR, a plain load",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import transformers

    family = "ConditionalDetr" if shape.startswith("conditional") else "Detr"
    backbone = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", out_features=["stage2"])
    config = getattr(transformers, family + "Config")(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, d_model=_tiny.HIDDEN,
        encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48,
        decoder_ffn_dim=48, num_queries=4, num_labels=3,
    )  # fmt: skip
    path = _tiny.saved(getattr(transformers, family + "ForObjectDetection"), config, os.path.join(workdir, "detr"))
    reference = _tiny.reference_state(path)
    model_class = getattr(transformers, family + ("Model" if shape == "detr-base" else "ForObjectDetection"))
    if shape == "detr-base":
        reference = {name[len("model.") :]: tensor for name, tensor in reference.items() if name.startswith("model.")}
    try:
        model = model_class.from_pretrained(path, **_options(shape))
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    wrong = _tiny.differences(model, reference)
    if wrong:
        raise AssertionError("loaded, but wrong: " + _tiny.summary(wrong))
    return not_reproduced("all %d tensors as in the reference" % len(reference))


def _options(shape: str) -> Dict[str, Any]:
    if shape == "control":
        return {}
    return {"device_map": {"": "cpu"}} if shape.endswith("map") else {"low_cpu_mem_usage": True}
