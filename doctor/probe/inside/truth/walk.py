"""What a model is made of: every parameter and buffer under each of its names, and where its data really is."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

_WRAPPINGS = re.compile(
    r"(?:^|(?<=\.))(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|base_layer|original_module|modules_to_save\.[^.]+)\."
)
"""What wrappers put into names: torch.compile, FSDP, activation checkpointing, peft."""


class Data(NamedTuple):
    """The values of an item, or why there are none."""

    tensor: Any
    """None where there are none."""
    shape: Optional[Tuple[int, ...]] = None
    """Of the whole tensor, where `tensor` is a part of it; `(n,)` where that is a part of it flattened."""
    window: Sequence[Tuple[int, int]] = ()
    """For a part: where it begins in each dimension of `shape`, and how far it goes."""
    where: str = ""
    """In words, for what is not plainly in the model: `offloaded to disk`, `shard of rank 1`."""
    missing: str = ""
    """Why there are none."""
    packed: bool = False
    """Whether `tensor` is what a packed weight stands for, which has lost something on the way."""
    told: bool = True
    """False where they are elsewhere, or in a form that cannot be held against a file."""


class Item(NamedTuple):
    """One parameter or buffer under one name."""

    name: str
    """As the class itself would name it, without what wrappers put in between."""
    owner: Any
    owner_name: str
    local: str
    """Its name in the module that owns it."""
    kind: str
    """`parameter`, `buffer`, or `attribute`: a plain tensor, which neither moves nor is saved with the model."""
    tensor: Any
    persistent: bool
    data: Optional[Data] = None
    """Its values, for one that FSDP keeps in a flat parameter of several."""


def items(torch: Any, model: Any) -> Iterator[Item]:
    """Everything in the model, a shared tensor under each of its names. A plain attribute only where it is on meta."""
    flat = _flattened(model)
    for prefix, module in model.named_modules(remove_duplicate=False):
        hidden = getattr(module, "_non_persistent_buffers_set", set())
        lead = prefix + "." if prefix else ""
        for local, data in flat.get(id(module), {}).items():
            yield Item(plain_name(lead + local), module, prefix, local, "parameter", data.tensor, True, data)
        for local, tensor in list(module._parameters.items()):
            if tensor is not None and local != "_flat_param" and local not in flat.get(id(module), {}):
                yield Item(plain_name(lead + local), module, prefix, local, "parameter", tensor, True)
        for local, tensor in list(module._buffers.items()):
            if tensor is not None:
                yield Item(plain_name(lead + local), module, prefix, local, "buffer", tensor, local not in hidden)
        for local, value in list(vars(module).items()):
            if type(value) is torch.Tensor and value.device.type == "meta":
                yield Item(plain_name(lead + local), module, prefix, local, "attribute", value, False)


def _flattened(model: Any) -> Dict[int, Dict[str, Data]]:
    """What FullyShardedDataParallel (FSDP1) holds of each parameter on this rank: by the id of its module and its name there."""
    found: Dict[int, Dict[str, Data]] = {}
    for module in model.modules():
        handle = vars(module).get("_handle")
        flat = getattr(handle, "flat_param", None)
        if flat is None or not hasattr(flat, "_shard_param_infos"):
            continue
        local = getattr(flat, "_local_shard", None)
        held = (flat if local is None else local).detach()
        where = "shard of rank %d" % getattr(handle, "rank", 0)
        for info, shape, part in zip(flat._param_infos, flat._shapes, flat._shard_param_infos):
            begin, count = (part.intra_param_start_idx, part.numel_in_shard) if part.in_shard else (0, 0)
            offset = part.offset_in_shard if part.in_shard else 0
            data = Data(held[offset : offset + count], (_elements(shape),), [(begin, count)], where)
            found.setdefault(id(info.module), {})[info.param_name] = data
    return found


def plain_name(name: str) -> str:
    """The name without what wrappers put into it."""
    return _WRAPPINGS.sub("", name)


def unwrapped(model: Any, *, sharded: bool = False) -> Any:
    """The model inside DataParallel and its like, and inside torch.compile; with `sharded` inside FSDP as well, which keeps the weights."""
    while True:
        inner = vars(model).get("_modules", {})
        if list(inner) == ["module"] and re.search("Parallel|Engine", type(model).__name__):
            model = inner["module"]
        elif list(inner) == ["_orig_mod"] or (sharded and list(inner) == ["_fsdp_wrapped_module"]):
            model = next(iter(inner.values()))
        else:
            return model


def hooks_of(module: Any) -> List[Any]:
    """accelerate's hooks on a module, those in a sequence one by one."""
    hook = vars(module).get("_hf_hook")
    return [] if hook is None else list(getattr(hook, "hooks", None) or [hook])


def offloading_hook(module: Any) -> Any:
    """The hook that keeps this module's values elsewhere; None where there is none."""
    return next((each for each in hooks_of(module) if getattr(each, "offload", False) and getattr(each, "weights_map", None) is not None), None)


def data_of(torch: Any, item: Item) -> Data:
    """Where the values of an item are."""
    tensor = item.tensor
    if item.data is not None:
        return item.data
    if hasattr(tensor, "ds_id"):
        return _partition(tensor)
    if type(tensor).__name__ == "DTensor" or hasattr(tensor, "_local_tensor"):
        return _shard(torch, tensor)
    if is_quantised(tensor):
        values = _unpacked(torch, tensor)
        if values is None:
            return Data(None, missing="it is quantised as %s, whose form cannot be held against the file" % type(tensor).__name__, told=False)
        return Data(values, where="packed as %s" % type(tensor).__name__, packed=True)
    if tensor.device.type != "meta":
        return Data(tensor.detach())
    hook = offloading_hook(item.owner)
    if hook is None or item.kind == "attribute":
        return Data(None, missing="it has no data and nothing keeps its values")
    try:
        value = hook.weights_map[item.local]
    except KeyError:
        return Data(None, missing="the hook that should keep its values has none under this name")
    except Exception as error:
        return Data(None, missing="its offloaded values cannot be read: %s" % " ".join(str(error).split())[:200])
    if not isinstance(value, torch.Tensor):
        value = torch.as_tensor(value)
    if value.device.type == "meta":
        return Data(None, missing="what its hook keeps for it is on meta as well")
    return Data(value.detach(), where="offloaded to " + _keeper(hook.weights_map, item.local))


def is_quantised(tensor: Any) -> bool:
    """Whether a tensor's bytes mean something only to the library that packed them."""
    kind = type(tensor)
    return kind.__name__ in ("Params4bit", "Int8Params") or kind.__module__.split(".")[0] in ("torchao", "hqq", "quanto", "optimum")


def _unpacked(torch: Any, tensor: Any) -> Any:
    """What a packed weight stands for, by its library's own rule; None where that is not known, or does not work here."""
    try:
        if type(tensor).__name__ == "Params4bit":
            import sys

            return sys.modules["bitsandbytes"].functional.dequantize_4bit(tensor.detach(), tensor.quant_state)
        if type(tensor).__name__ == "Int8Params":
            packed = tensor.detach() if tensor.CB is None else tensor.CB
            return packed.float() * tensor.SCB.float().reshape(-1, 1) / 127
        values = tensor.dequantize()
    except Exception:
        return None
    return values.detach() if type(values) in (torch.Tensor, torch.nn.Parameter) else None


def quantised_layer(item: Item) -> bool:
    """Whether the layer is one that a quantisation library puts in place of a Linear, and may repack when it loads."""
    module = type(item.owner).__module__.split(".")[0]
    return module in ("bitsandbytes", "auto_gptq", "gptqmodel", "awq", "hqq", "aqlm", "eetq", "compressed_tensors", "torchao", "optimum") or bool(
        re.search(r"QuantLinear|WQLinear|FP8Linear|Fp8Linear|FP8Expert|Mxfp4", type(item.owner).__name__)
    )


def _keeper(weights_map: Any, local: str) -> str:
    dataset = getattr(weights_map, "dataset", weights_map)
    key = getattr(weights_map, "prefix", "") + local
    if key in (getattr(dataset, "state_dict", None) or {}):
        return "the CPU"
    return "disk" if getattr(dataset, "index", None) and key in dataset.index else "the CPU"


def _partition(tensor: Any) -> Data:
    """A parameter of DeepSpeed ZeRO-3: a flat part of it is on each rank, unless it is gathered."""
    held = getattr(tensor, "ds_tensor", None)
    shape = tuple(int(each) for each in getattr(tensor, "ds_shape", ()))
    if getattr(getattr(tensor, "ds_status", None), "name", "") == "AVAILABLE" and tuple(tensor.shape) == shape:
        return Data(tensor.detach(), where="gathered from its ZeRO-3 partitions")
    if held is None or held.device.type == "meta" or not shape:
        return Data(None, missing="a ZeRO-3 partition whose values are not in this process", told=False)
    import sys

    distributed = sys.modules.get("torch.distributed")
    rank = distributed.get_rank() if distributed is not None and distributed.is_initialized() else 0
    total, begin = _elements(shape), rank * int(held.numel())
    length = max(0, min(int(held.numel()), total - begin))
    return Data(held.detach().reshape(-1)[:length], (total,), [(begin, length)], "ZeRO-3 partition of rank %d" % rank)


def _shard(torch: Any, tensor: Any) -> Data:
    """A DTensor: the part of it that is on this rank."""
    local = tensor.to_local() if hasattr(tensor, "to_local") else tensor._local_tensor
    if local.device.type == "meta":
        return Data(None, missing="the shard of this rank has no data")
    shape = tuple(int(each) for each in tensor.shape)
    try:
        from importlib import import_module

        try:
            where = import_module("torch.distributed.tensor._utils").compute_local_shape_and_global_offset
        except (ImportError, AttributeError):
            where = import_module("torch.distributed._tensor._utils").compute_local_shape_and_global_offset
        sizes, offsets = where(tensor.shape, tensor.device_mesh, tensor.placements)
    except Exception as error:
        return Data(None, missing="which part of it this rank holds cannot be told: %s" % " ".join(str(error).split())[:200], told=False)
    if any(type(each).__name__ in ("Partial", "_Partial", "_StridedShard") for each in tensor.placements):
        return Data(None, missing="its parts are laid out in a way that cannot be held against the file", told=False)
    coordinate = tensor.device_mesh.get_coordinate()
    return Data(local.detach(), shape, list(zip(offsets, sizes)), "shard at %s of the mesh" % (tuple(coordinate or ()),))


def _elements(shape: Sequence[int]) -> int:
    found = 1
    for each in shape:
        found *= each
    return found


def by_name(found: Sequence[Item]) -> Dict[str, Item]:
    """Of several items under one name (the adapter's copy and the original, in peft) the first."""
    named: Dict[str, Item] = {}
    for each in found:
        named.setdefault(each.name, each)
    return named
