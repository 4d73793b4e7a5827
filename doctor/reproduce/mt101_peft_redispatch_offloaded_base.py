"""MT101: PeftModel.from_pretrained over an offloaded base moves meta parameters."""

import os

import _offload
import _tiny
from _harness import Verdict, not_applicable, not_reproduced, reproduced


def save_adapter(path: str, folder: str) -> None:
    """An adapter for the tiny model, made over a base that is not offloaded."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(path), config).save_pretrained(folder)


def offloaded(path: str, folder: str) -> object:
    """The tiny model with its second layer on disk."""
    from transformers import AutoModelForCausalLM

    places = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu"}
    places.update({"model.rotary_emb": "cpu", "lm_head": "cpu"})
    return AutoModelForCausalLM.from_pretrained(path, device_map=places, offload_folder=folder)


def reproduce(workdir: str) -> Verdict:
    try:
        from peft import PeftModel
    except ImportError:
        return not_applicable("peft is not installed")
    path = _tiny.saved_llama(workdir)
    adapter = os.path.join(workdir, "adapter")
    save_adapter(path, adapter)
    base = offloaded(path, _offload.folder(workdir))
    try:
        model = PeftModel.from_pretrained(base, adapter)
    except NotImplementedError as error:
        if "Cannot copy out of meta tensor; no data!" in str(error):
            return reproduced(_offload.first_line(error))
        raise
    except KeyError as error:
        if str(error.args[0]).startswith("base_model.model.") and _offload.raised_in(error, "load_adapter"):
            return reproduced(_offload.first_line(error))
        raise
    return compare(model, path, adapter)


def compare(model: object, path: str, adapter: str) -> Verdict:
    """Whether the offloaded model with the adapter computes what the plain one does."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(path), adapter).eval()
    with torch.no_grad():
        expected = plain(torch.arange(5).reshape(1, 5)).logits
        result = model.eval()(torch.arange(5).reshape(1, 5)).logits
    if not torch.equal(result, expected):
        raise AssertionError("loaded without an error, but the output differs")
    return not_reproduced("the model with the adapter gives the output of the one without offload")
