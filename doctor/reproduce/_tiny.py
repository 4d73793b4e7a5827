"""Tiny random models made from a Config and saved into a directory, and the checks reproducers share. Loads nothing at import."""

import os
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

HIDDEN = 32
VOCABULARY = 96
LAYERS = 2
PATTERN = 7.75
"""What `dirty_memory` leaves behind: exact in every floating-point type, and no value our models have."""

LAYER_ON_DISK = {
    "model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu", "lm_head": "cpu",
    "model.rotary_emb": "cpu",
}  # fmt: skip
"""A device_map for `saved_llama` that leaves the parameters of the second layer on meta."""


def llama_config(**overrides: Any) -> Any:
    """Untied unless `tie_word_embeddings=True` is given."""
    from transformers import LlamaConfig

    settings: Dict[str, Any] = {
        "hidden_size": HIDDEN, "intermediate_size": 48, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": VOCABULARY, "max_position_embeddings": 64, "tie_word_embeddings": False,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip
    settings.update(overrides)
    return LlamaConfig(**settings)


def gpt2_config(**overrides: Any) -> Any:
    """Tied, as GPT-2 is."""
    from transformers import GPT2Config

    settings: Dict[str, Any] = {
        "n_embd": HIDDEN, "n_layer": LAYERS, "n_head": 4, "n_positions": 64, "vocab_size": VOCABULARY,
        "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    settings.update(overrides)
    return GPT2Config(**settings)


def bert_config(**overrides: Any) -> Any:
    from transformers import BertConfig

    settings: Dict[str, Any] = {
        "hidden_size": HIDDEN, "intermediate_size": 48, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
        "vocab_size": VOCABULARY, "max_position_embeddings": 64,
    }  # fmt: skip
    settings.update(overrides)
    return BertConfig(**settings)


def saved_llama(workdir: str, **config_overrides: Any) -> str:
    """A LlamaForCausalLM checkpoint; its directory."""
    from transformers import LlamaForCausalLM

    return saved(LlamaForCausalLM, llama_config(**config_overrides), os.path.join(workdir, "llama"))


def saved_gpt2(workdir: str, **config_overrides: Any) -> str:
    """A GPT2LMHeadModel checkpoint; its directory."""
    from transformers import GPT2LMHeadModel

    return saved(GPT2LMHeadModel, gpt2_config(**config_overrides), os.path.join(workdir, "gpt2"))


def saved_bert(workdir: str, head: str = "BertModel", **config_overrides: Any) -> str:
    """A BertModel checkpoint (or another BERT class of transformers); its directory."""
    import transformers

    return saved(getattr(transformers, head), bert_config(**config_overrides), os.path.join(workdir, "bert"))


def saved(model_class: Any, config: Any, path: str, **save_options: Any) -> str:
    """Builds `model_class(config)` with seeded random weights, saves it and keeps a plain copy of its tensors; the path."""
    import torch

    torch.manual_seed(20261122)
    model = model_class(config)
    model.save_pretrained(path, **save_options)
    keep_reference(path, model)
    return path


def keep_reference(path: str, model: Any) -> None:
    """Writes the tensors of `model`, every buffer included, beside its checkpoint for `reference_state`."""
    import torch

    tensors = {name: tensor.detach().clone() for name, tensor in named_tensors(model)}
    torch.save(tensors, os.path.join(path, "reference.pt"))


def reference_state(path: str) -> Dict[str, Any]:
    """Name -> tensor of the model that was saved at `path`, under every name the tensor has, non-persistent buffers included."""
    import torch

    state: Dict[str, Any] = torch.load(os.path.join(path, "reference.pt"))
    return state


def named_tensors(model: Any) -> List[Tuple[str, Any]]:
    """All parameters and buffers, a tied one under each of its names."""
    found = []
    for prefix, module in model.named_modules(remove_duplicate=False):
        for name, tensor in list(module._parameters.items()) + list(module._buffers.items()):
            if tensor is not None:
                found.append((prefix + "." + name if prefix else name, tensor))
    return found


def on_meta(model: Any) -> List[str]:
    """Names of the parameters and buffers without data."""
    return [name for name, tensor in named_tensors(model) if tensor.device.type == "meta"]


def differences(model: Any, reference: Dict[str, Any], only: Optional[Iterable[str]] = None) -> List[str]:
    """What is not bit for bit as in `reference`: one line each, by name."""
    import torch

    found = dict(named_tensors(model))
    wrong = []
    for name in sorted(reference) if only is None else only:
        if name not in found:
            wrong.append(name + " is gone")
        elif found[name].device.type == "meta":
            wrong.append(name + " is on meta")
        elif not torch.equal(found[name].detach().cpu(), reference[name]):
            wrong.append("%s %s" % (name, _difference(found[name].detach().cpu(), reference[name])))
    return wrong


def summary(findings: List[str]) -> str:
    """The first finding and how many more there are."""
    return findings[0] + (" (and %d more)" % (len(findings) - 1) if len(findings) > 1 else "")


def first_line(error: BaseException) -> str:
    """`Type: first line of the message`."""
    text = str(error).strip().split("\n")[0]
    return "%s: %s" % (type(error).__name__, text)


def dirty_memory(*shapes: Tuple[int, ...], dtype: Any = None) -> None:
    """Fills freed memory of these shapes with PATTERN, so that uninitialised memory does not look right by luck."""
    import torch

    kept = [torch.full(shape, PATTERN).to(dtype or torch.float32) for shape in shapes for _ in range(64)]
    del kept


def load_in_threads(load: Callable[[], Any], check: Callable[[Any], List[str]], threads: int = 4, rounds: int = 40) -> List[str]:
    """Rounds of one load in each of some threads at the same time, until something is wrong; what was wrong, if anything.

    `check` says what is wrong with a loaded model. After each round, when all threads have ended, a plain nn.Linear must not be on
    meta. Python switches threads as often as it can. The meta tensor error is a finding; any other error is raised here.
    """
    import gc
    import sys
    import threading

    findings: List[str] = []
    others: List[BaseException] = []

    def work(start: Any) -> None:
        try:
            start.wait()
            findings.extend(check(load())[:1])
        except Exception as error:
            if is_meta_error(error):
                findings.append(first_line(error))
            else:
                others.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    gc.freeze()
    try:
        for _ in range(rounds):
            start = threading.Barrier(threads)
            workers = [threading.Thread(target=work, args=(start,)) for _ in range(threads)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            if not findings and not others and _new_module_is_on_meta():
                findings.append("a plain nn.Linear made after the loads is on meta")
            if findings or others:
                break
    finally:
        sys.setswitchinterval(interval)
    if others and not findings:
        raise others[0]
    return findings


def is_meta_error(error: BaseException) -> bool:
    """Whether this is torch's refusal to copy out of a meta tensor."""
    return isinstance(error, NotImplementedError) and "Cannot copy out of meta tensor; no data!" in str(error)


def is_value_error_on_meta(error: BaseException) -> bool:
    """Whether this is torch's refusal to read the value of a meta tensor."""
    return isinstance(error, RuntimeError) and "Tensor.item() cannot be called on meta tensors" in str(error)


def is_context_refusal(error: BaseException) -> bool:
    """Whether this is the refusal of from_pretrained to run under a meta device context."""
    return isinstance(error, RuntimeError) and "You are using `from_pretrained` with a meta device context manager" in str(error)


def release(package: str = "transformers") -> Tuple[int, int]:
    """(major, minor) of an installed package."""
    import importlib

    numbers = importlib.import_module(package).__version__.split(".")
    return int(numbers[0]), int(numbers[1])


def has_safetensors() -> bool:
    """It is optional for transformers before 4.30."""
    import importlib.util

    return importlib.util.find_spec("safetensors") is not None


def _new_module_is_on_meta() -> bool:
    from torch import nn

    return nn.Linear(2, 2).weight.device.type == "meta"


def _difference(found: Any, expected: Any) -> str:
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return "is %s %s instead of %s %s" % (found.dtype, list(found.shape), expected.dtype, list(expected.shape))
    unequal = (found != expected).reshape(-1)
    first = int(unequal.nonzero()[0])
    shown = tuple(each.reshape(-1)[first].item() for each in (found, expected))
    return "differs in %d of %d values, first %.6g instead of %.6g" % ((int(unequal.sum()), unequal.numel()) + shown)
