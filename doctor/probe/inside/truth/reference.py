"""The class of a model built once more off meta, for what no file says: which weights it ties, and what its buffers hold.

Parameters are dropped as they are made, but for those asked for, so that this takes the memory of the largest of them and not a second
model. torch's own hook for the registration of parameters does it, in this thread only: unlike a context that replaces
`Module.register_parameter` (`init_empty_weights`), it puts nobody else's modules on meta.
"""

from __future__ import annotations

import contextlib
import copy
import random
import sys
import threading
import warnings
from typing import Any, Callable, Iterator, NamedTuple, Optional, Set, Tuple

Key = Tuple[str, str, Tuple[int, ...]]
"""By which a parameter is known while the class is built: the class that owns it, its name there, its shape."""
SMALL_BYTES = 64 * 1024
"""Parameters up to this size are kept."""
WHOLE_BYTES = 256 * 1024 * 1024
"""A model up to this size may be built whole."""


class CannotBuild(Exception):
    """The class could not be built once more; the text says why."""


class Builder(NamedTuple):
    """How a model, or a part of it, is built once more."""

    prefix: str
    """Of the part in the model, ending with a dot; empty for the whole."""
    build: Callable[[], Any]


def builder_of(model: Any, given: Optional[Callable[[], Any]] = None) -> "list[Builder]":
    """How to build the model, or as much of it as can be: by the function given, from its configuration, or from a class that needs nothing."""
    if given is not None:
        return [Builder("", given)]
    own = _builder(model)
    if own is not None:
        return [Builder("", own)]
    found = []
    waiting = [("", model)]
    while waiting:
        prefix, module = waiting.pop(0)
        for name, child in module.named_children():
            build = _builder(child) if hasattr(child, "config") else None
            if build is not None:
                found.append(Builder(prefix + name + ".", build))
            else:
                waiting.append((prefix + name + ".", child))
    return found


def _builder(module: Any) -> Optional[Callable[[], Any]]:
    kind = type(module)
    config = getattr(module, "config", None)
    if config is not None and hasattr(kind, "from_config") and hasattr(kind, "config_name"):  # diffusers
        return lambda: kind.from_config(config)
    if config is not None and hasattr(kind, "config_class") and hasattr(kind, "from_pretrained"):
        return lambda: kind(copy.deepcopy(config))
    if (
        kind.__module__.split(".")[0] in ("torch", "peft", "accelerate")
        or kind.__init__ is getattr(sys.modules.get("torch.nn"), "Module", object).__init__
    ):
        return None
    return kind if _needs_nothing(kind) else None


def _needs_nothing(kind: type) -> bool:
    import inspect

    try:
        parameters = list(inspect.signature(kind).parameters.values())
    except (TypeError, ValueError):
        return False
    return all(each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters)


def built(torch: Any, builder: Builder, keep: Set[Key], seed: int, *, dtype: Any, size: int) -> Any:
    """A model on meta but for its buffers and the parameters in `keep`, with its weights tied. Raises `CannotBuild`.

    The random numbers of the process are as they were before. `dtype`: made under this default type, as from_pretrained does.
    `size`: of the model, in bytes; before torch 2.0, where all of it has to be made, only a small one is.
    """
    register = getattr(sys.modules.get("torch.nn.modules.module"), "register_module_parameter_registration_hook", None)
    if register is None and size > WHOLE_BYTES:
        raise CannotBuild("before torch 2.0 a class cannot be built without all its weights, and these are many")
    mine = threading.get_ident()

    def drop(module: Any, name: str, parameter: Any) -> Any:
        if parameter is None or threading.get_ident() != mine or parameter.device.type == "meta":
            return None
        small = parameter.numel() * parameter.element_size() <= SMALL_BYTES
        if small or (type(module).__qualname__, name, tuple(parameter.shape)) in keep:
            return None
        return torch.nn.Parameter(parameter.detach().to("meta"), requires_grad=parameter.requires_grad)

    before = torch.get_default_dtype()
    with _random_numbers_kept(torch, seed), warnings.catch_warnings(), _on_cpu(torch):
        warnings.simplefilter("ignore")
        handle = register(drop) if register is not None else None
        try:
            if dtype is not None:
                torch.set_default_dtype(dtype)
            model = builder.build()
            if callable(getattr(model, "tie_weights", None)):
                model.tie_weights()
        except Exception as error:
            raise CannotBuild("%s: %s" % (type(error).__name__, " ".join(str(error).split())[:200])) from None
        finally:
            if handle is not None:
                handle.remove()
            if dtype is not None:
                torch.set_default_dtype(before)
    return model


def _on_cpu(torch: Any) -> Any:
    """Not on the device of a context that the caller may be in; before torch 2.0 there are none."""
    return torch.device("cpu") if hasattr(torch.device, "__enter__") else contextlib.nullcontext()


@contextlib.contextmanager
def _random_numbers_kept(torch: Any, seed: int) -> Iterator[None]:
    numpy = sys.modules.get("numpy")
    states = random.getstate(), numpy.random.get_state() if numpy is not None else None
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            random.seed(seed)
            if numpy is not None:
                numpy.random.seed(seed)
            yield
    finally:
        random.setstate(states[0])
        if numpy is not None:
            numpy.random.set_state(states[1])
