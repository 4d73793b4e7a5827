"""What one rank has of a model, in a few words a tensor, and the same of every rank: gathered once, as bytes of JSON, never a pickle."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from . import values
from .walk import Data, Item, by_name, data_of, items

Table = Dict[str, Any]


def table(torch: Any, model: Any) -> Table:
    """Every parameter and buffer: its name, kind, whole shape, type, where its data is, which part of it, a digest, the other names it has.

    What keeps a rank from being looked at is said in `error`: were it raised, the others would wait for this rank for ever.
    """
    try:
        named = by_name([each for each in items(torch, model) if each.kind != "attribute"])
        mates: Dict[int, List[str]] = {}
        for each in named.values():
            mates.setdefault(id(each.tensor), []).append(each.name)
        known: Dict[int, Optional[str]] = {}
        rows = [_row(torch, each, sorted(set(mates[id(each.tensor)]) - {each.name}), known) for each in named.values()]
        return {"class": type(model).__name__, "tensors": rows, "error": None}
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        return {"class": type(model).__name__, "tensors": [], "error": "%s: %s" % (type(error).__name__, said)}


def gathered(torch: Any, mine: Table, group: Any = None) -> List[Table]:
    """What all ranks of the group have, in their order; on every one of them."""
    distributed = torch.distributed
    device = _device(torch, group)
    content = bytearray(json.dumps(mine).encode())
    count = distributed.get_world_size(group)
    length = torch.tensor([len(content)], dtype=torch.int64, device=device)
    lengths = [torch.zeros_like(length) for _ in range(count)]
    distributed.all_gather(lengths, length, group=group)
    longest = max(int(each) for each in lengths)
    padded = torch.frombuffer(content + bytes(longest - len(content)), dtype=torch.uint8).to(device)
    parts = [torch.empty_like(padded) for _ in range(count)]
    distributed.all_gather(parts, padded, group=group)
    return [json.loads(bytes(part[: int(size)].cpu().tolist()).decode()) for part, size in zip(parts, lengths)]


def _device(torch: Any, group: Any) -> Any:
    """Where the group's backend takes tensors."""
    backends = str(torch.distributed.get_backend(group))
    config = getattr(torch.distributed, "get_backend_config", None)
    if config is not None:
        backends += str(config(group))
    if "gloo" in backends or "mpi" in backends or "nccl" not in backends:
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def _row(torch: Any, item: Item, mates: List[str], known: Dict[int, Optional[str]]) -> Dict[str, Any]:
    data = data_of(torch, item)
    shape = tuple(int(each) for each in (data.shape or item.tensor.shape))
    part = _part(data, shape)
    held = "data" if data.tensor is not None else "meta" if data.told else "elsewhere"
    if held != "data":
        digest = None
    elif item.data is None and id(item.tensor) in known:
        digest = known[id(item.tensor)]
    else:
        digest = known[id(item.tensor)] = values.digest(torch, data.tensor)
    return {
        "name": item.name,
        "kind": item.kind,
        "shape": list(shape),
        "dtype": str(item.tensor.dtype).replace("torch.", ""),
        "held": held,
        "part": part,
        "digest": digest,
        "tied": mates,
    }


def _part(data: Data, shape: Any) -> str:
    """Which part of the tensor this rank holds; empty where it is the whole."""
    window = [(int(begin), int(count)) for begin, count in data.window]
    if all(begin == 0 and count == size for (begin, count), size in zip(window, shape)):
        return ""
    return ", ".join("%d to %d" % (begin, begin + count) for begin, count in window)


__all__ = ["gathered", "table"]
