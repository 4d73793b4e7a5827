"""MT026: save_pretrained of a model with a layer on disk writes a .bin file without the weights of that layer."""

import os

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    import torch
    from transformers import LlamaForCausalLM

    if _tiny.release() >= (5, 0):
        return not_applicable("save_pretrained writes no .bin files from 5.0.0 on")
    path = _tiny.saved_llama(workdir)
    model = LlamaForCausalLM.from_pretrained(path, device_map=_tiny.LAYER_ON_DISK, offload_folder=os.path.join(workdir, "offload"))
    saved = os.path.join(workdir, "saved")
    model.save_pretrained(saved, safe_serialization=False)
    written = torch.load(os.path.join(saved, "pytorch_model.bin"))
    reference = _tiny.reference_state(path)
    lost = [name for name, tensor in written.items() if tensor.device.type == "meta"]
    if lost:
        return reproduced("no error, but %d of %d tensors in the file have no data, first %s" % (len(lost), len(written), lost[0]))
    wrong = [name for name, tensor in written.items() if not torch.equal(tensor, reference[name])]
    if wrong:
        raise AssertionError("saved, but wrong: " + ", ".join(wrong))
    return not_reproduced("all %d tensors in the file as in the reference" % len(written))
