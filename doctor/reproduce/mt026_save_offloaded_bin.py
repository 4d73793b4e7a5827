"""MT026: save_pretrained of a model with a layer on disk writes a .bin file without the weights of that layer."""

from pathlib import Path
from typing import Any, Dict, Tuple

import _causal
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "one-file": "untied Llama, a layer on disk, saved into one .bin file",
    "sharded": "untied Llama, a layer on disk, saved into several .bin files",
    "tied-one-file": "tied Llama, a layer on disk, saved into one .bin file",
    "gpt2": "untied GPT-2, a layer on disk, saved into one .bin file",
    "gpt2-sharded": "untied GPT-2, a layer on disk, saved into several .bin files",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    import torch

    if _tiny.release() >= (5, 0):
        return not_applicable("save_pretrained writes no .bin files from 5.0.0 on")
    if not _causal.takes_device_map():
        return not_applicable("this release has no device_map")
    name = "gpt2" if shape.startswith("gpt2") else "llama"
    model_class, path = _tied_llama(workdir) if shape.startswith("tied") else _causal.saved(workdir, name)
    if model_class is None:
        return not_applicable("this release has no Llama")
    model = _causal.with_layer_on_disk(model_class, path, name, workdir)
    saved = Path(workdir, "saved")
    try:
        model.save_pretrained(str(saved), safe_serialization=False, max_shard_size="20KB" if shape.endswith("sharded") else "5GB")
    except NameError as error:
        return not_reproduced("not silent: " + _tiny.first_line(error))
    written: Dict[str, Any] = {}
    for file in sorted(saved.glob("pytorch_model*.bin")):
        written.update(torch.load(str(file)))
    reference = _tiny.reference_state(path)
    lost = [name for name, tensor in written.items() if tensor.device.type == "meta"]
    lost += [name for name in model.state_dict() if name not in written]
    if lost:
        return reproduced("no error, but %d of %d tensors in the files have no data, first %s" % (len(lost), len(written), lost[0]))
    wrong = [name for name, tensor in written.items() if not torch.equal(tensor, reference[name])]
    if wrong:
        raise AssertionError("saved, but wrong: " + ", ".join(wrong))
    return not_reproduced("all %d tensors in the files as in the reference" % len(written))


def _tied_llama(workdir: str) -> Tuple[Any, str]:
    import transformers

    if _tiny.release() < (4, 28):
        return None, ""
    return transformers.LlamaForCausalLM, _tiny.saved_llama(workdir, tie_word_embeddings=True)
