"""What accelerate's hooks do when the model is called: whether each gives its module the values it keeps, and belongs to that module."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Tuple

from . import values
from .files import first_line
from .walk import hooks_of, offloading_hook, plain_name


def hook_faults(torch: Any, model: Any) -> List[Dict[str, Any]]:
    """Modules that compute with something else than their own weights."""
    faults = []
    strangers = [plain_name(name) for name, module in model.named_modules() if _forward_of_another(torch, module)]
    if strangers:
        detail = "its forward is that of another module, as after a deepcopy: it computes with the weights of the original"
        faults.append({"kind": "hook", "detail": detail, "names": strangers})
    wrong: Dict[str, List[str]] = {}
    for name, detail in _given_by_hooks(torch, model):
        wrong.setdefault(detail, []).append(name)
    return faults + [{"kind": "hook", "detail": detail, "names": names} for detail, names in wrong.items()]


def _forward_of_another(torch: Any, module: Any) -> bool:
    """Whether the forward that a hook put in place was made for another module."""
    forward = vars(module).get("forward")
    if forward is None or not hooks_of(module):
        return False
    owners = [getattr(forward, "__self__", None), *(getattr(forward, "args", None) or ())]
    for cell in getattr(getattr(forward, "func", forward), "__closure__", None) or ():
        try:
            owners.append(cell.cell_contents)
        except ValueError:  # an empty cell
            continue
    modules = [each for each in owners if isinstance(each, torch.nn.Module)]
    return bool(modules) and all(each is not module for each in modules)


def _given_by_hooks(torch: Any, model: Any) -> Iterator[Tuple[str, str]]:
    """By name, where a hook gives a module something else than it keeps for it. Each is entered and left as a forward does, in order.

    What they give depends on what was given before, so the values are first noted and compared only then.
    """
    given: List[Tuple[str, Any, str, str]] = []
    for name, module in model.named_modules():
        if offloading_hook(module) is None:
            continue
        hook = vars(module)["_hf_hook"]
        lead = plain_name(name + ".") if name else ""
        try:
            hook.pre_forward(module)
            for local, tensor in list(module._parameters.items()) + list(module._buffers.items()):
                if tensor is not None and local in _keys(offloading_hook(module), module):
                    given.append((lead + local, offloading_hook(module), local, "" if tensor.device.type == "meta" else values.digest(torch, tensor)))
            hook.post_forward(module, None)
        except Exception as error:
            yield lead.rstrip("."), "its hook fails when the module is called: %s" % first_line(error)
            return
    for name, hook, local, digest in given:
        try:
            kept = hook.weights_map[local]
        except Exception:  # said of the tensor itself
            continue
        if not digest:
            yield name, "its hook leaves it on meta when the module is called"
        elif digest not in _digests(torch, kept, digest):
            yield name, "its hook gives the module other values than those it keeps for it"


def _keys(hook: Any, module: Any) -> List[str]:
    """Names of a module's own that the hook keeps."""
    found = []
    for local in list(module._parameters) + list(module._buffers):
        try:
            hook.weights_map[local]
        except Exception:
            continue
        found.append(local)
    return found


def _digests(torch: Any, kept: Any, _: str) -> List[str]:
    """Of what is kept, in each type that it may have been given in."""
    kinds = (kept.dtype, torch.float32, torch.float16, torch.bfloat16)
    return [values.digest(torch, kept.to(kind)) for kind in (kinds if kept.is_floating_point() else kinds[:1])]
