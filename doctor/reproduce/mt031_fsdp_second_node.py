"""MT031: RAM-efficient FSDP loading fails in the first process of the second node."""

import os

import _files
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced

SHAPES = {
    "bin": "untied Llama, one .bin file, as the first process of a second node, plain load",
    "several-bin": "the same, several .bin files",
    "tied-bin": "the same, tied, one .bin file",
    "control": "the same, untied, one safetensors file",
}


def reproduce(workdir: str, shape: str) -> Verdict:
    """Rank 1 of 2 with local rank 0, in a process group that only pretends to communicate."""
    import torch.distributed
    from transformers import LlamaForCausalLM

    if shape == "several-bin" and _tiny.release() >= (5, 0):
        return not_applicable("5.0.0 and later write no .bin checkpoints")
    path = os.path.join(workdir, "llama")
    options = {"safe_serialization": False, "max_shard_size": "20KB"} if shape == "several-bin" else {"safe_serialization": True}
    _tiny.saved(LlamaForCausalLM, _tiny.llama_config(tie_word_embeddings=shape == "tied-bin"), path, **options)
    if shape in ("bin", "tied-bin"):
        _files.as_bin(LlamaForCausalLM.from_pretrained(path), path)
    _join_pretended_group()
    os.environ.update(ACCELERATE_USE_FSDP="true", FSDP_CPU_RAM_EFFICIENT_LOADING="true", LOCAL_RANK="0")
    try:
        model = LlamaForCausalLM.from_pretrained(path)
    except NotImplementedError as error:
        if _tiny.is_meta_error(error):
            return reproduced(_tiny.first_line(error))
        raise
    finally:
        torch.distributed.destroy_process_group()
    left = _tiny.on_meta(model)
    if left:
        raise AssertionError("loaded, but on meta: " + ", ".join(left))
    wrong = _tiny.differences(model, _tiny.reference_state(path))
    return not_reproduced("loaded, nothing on meta; " + ("values are left to the broadcast" if wrong else "all values as in the reference"))


def _join_pretended_group() -> None:
    import torch.distributed
    from torch.testing._internal.distributed.fake_pg import FakeStore

    torch.distributed.init_process_group("fake", store=FakeStore(), rank=1, world_size=2)
