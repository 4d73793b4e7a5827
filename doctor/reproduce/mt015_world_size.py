"""MT015: WORLD_SIZE in the environment turns device_map="auto" into tensor parallelism and fails."""

import os
import socket
from typing import Any

import _tiny
from _harness import Verdict, not_reproduced, reproduced

SHAPES = {
    "gpt2-base-file": "tied GPT-2, the file holds the base model only",
    "gpt2-whole-file": "tied GPT-2, saved with its head",
    "llama-tied": "tied Llama, saved with its head",
    "control": "untied Llama",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    """One process that thinks it is rank 0 of 1, talking to nobody but itself."""
    import torch
    import torch.distributed

    model_class, path = _saved(workdir, shape)
    tokens = torch.tensor([[1, 5, 6, 7]])
    expected = model_class.from_pretrained(path).eval()(input_ids=tokens).logits
    os.environ.update(WORLD_SIZE="1", RANK="0", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(_free_port()))
    # As a launched program does; 4.50 would set up a group of GPUs otherwise.
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    if _tiny.release() == (4, 50) and not torch.accelerator.is_available():
        # It relies on the CPU being named where there is no accelerator, which torch no longer does.
        torch._C._get_accelerator = lambda *_: torch.device("cpu")
    try:
        model = model_class.from_pretrained(path, device_map="auto").eval()
        logits = model(input_ids=tokens).logits
    except (NotImplementedError, RuntimeError) as error:
        known = "got mixed torch.Tensor and DTensor" in str(error) or "does not have a tensor parallel plan" in str(error)
        if known or _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    split = [name for name, tensor in _tiny.named_tensors(model) if type(tensor).__name__ == "DTensor"]
    if split:
        return not_reproduced("loaded for tensor parallelism, first %s, and the forward pass works" % split[0])
    if not torch.equal(logits, expected):
        raise AssertionError("loaded, but the logits differ from those without WORLD_SIZE")
    return not_reproduced("no tensor parallelism, logits as without WORLD_SIZE")


def _saved(workdir: str, shape: str) -> Any:
    import transformers

    # 4.50 hands the number of the device to safetensors, which takes it for that of a GPU.
    options = {"safe_serialization": False} if _tiny.release() == (4, 50) else {}
    path = os.path.join(workdir, "model")
    if shape.startswith("gpt2"):
        saved_class = transformers.GPT2Model if shape == "gpt2-base-file" else transformers.GPT2LMHeadModel
        return transformers.GPT2LMHeadModel, _tiny.saved(saved_class, _tiny.gpt2_config(), path, **options)
    config = _tiny.llama_config(tie_word_embeddings=shape != "control")
    return transformers.LlamaForCausalLM, _tiny.saved(transformers.LlamaForCausalLM, config, path, **options)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
