"""MT015: WORLD_SIZE in the environment turns device_map="auto" into tensor parallelism and fails."""

import os
import socket

import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def reproduce(workdir: str) -> Verdict:
    """One process that thinks it is rank 0 of 1, talking to nobody but itself."""
    import torch
    from transformers import GPT2LMHeadModel, GPT2Model

    if _tiny.release() == (4, 50) and not torch.cuda.is_available():
        return not_applicable("4.50 cannot set up its process group without an accelerator")

    path = _tiny.saved(GPT2Model, _tiny.gpt2_config(), os.path.join(workdir, "gpt2"))
    os.environ.update(WORLD_SIZE="1", RANK="0", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(_free_port()))
    tokens = torch.tensor([[1, 5, 6, 7]])
    try:
        model = GPT2LMHeadModel.from_pretrained(path, device_map="auto").eval()
        logits = model(input_ids=tokens).logits
    except (NotImplementedError, RuntimeError) as error:
        if _tiny.is_meta_error(error) or "got mixed torch.Tensor and DTensor" in str(error):
            return reproduced(_tiny.first_line(error))
        raise
    split = [name for name, tensor in _tiny.named_tensors(model) if type(tensor).__name__ == "DTensor"]
    if split:
        raise AssertionError("loaded for tensor parallelism, first %s, but the forward pass works" % split[0])
    os.environ.pop("WORLD_SIZE")
    if not torch.equal(logits, GPT2LMHeadModel.from_pretrained(path).eval()(input_ids=tokens).logits):
        raise AssertionError("loaded, but the logits differ from those without WORLD_SIZE")
    return not_reproduced("no tensor parallelism, logits as without WORLD_SIZE")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
