"""MT033: a device_map that puts the name of a tied weight that the file holds on disk, and another name elsewhere, fails."""

import _causal
import _split_tie
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "t5-shared-and-decoder": "T5, one file, shared and decoder on disk, encoder and head on the CPU",
    "llama-embedding": "tied Llama, one file, the embedding on disk, the head on the CPU",
    "gpt2-embedding": "GPT-2, one file, the embedding on disk, the head on the CPU; the head's name sorts first",
    "control": "GPT-2, one file, both on the CPU",
}
T5_MAP = {"shared": "disk", "encoder": "cpu", "decoder": "disk", "lm_head": "cpu"}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch
    import transformers

    if not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    if shape == "llama-embedding" and _tiny.release() < (4, 28):
        return not_applicable("this release has no Llama")
    if shape == "t5-shared-and-decoder":
        model_class, (path, places) = transformers.T5ForConditionalGeneration, (_split_tie.t5(workdir), T5_MAP)
    elif shape == "llama-embedding":
        model_class, (path, places) = transformers.LlamaForCausalLM, _split_tie.llama(workdir, embed="disk", head="cpu")
    else:
        embed = "cpu" if shape == "control" else "disk"
        model_class, (path, places) = transformers.GPT2LMHeadModel, _split_tie.gpt2(workdir, embed=embed, head="cpu")
    _causal.offload_folder(workdir)
    expected = _split_tie.logits(model_class.from_pretrained(path))
    try:
        found = _split_tie.logits(_split_tie.loaded(model_class, path, places, workdir))
    except ValueError as error:
        if "weight is on the meta device, we need a `value` to put in on" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    if not torch.equal(found.cpu(), expected):
        return reproduced("dispatched without an error, but the logits differ")
    return not_reproduced("dispatched; logits as without a device_map")
