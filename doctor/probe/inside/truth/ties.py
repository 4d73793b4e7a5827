"""Which weights are to be one and the same, and which are."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Tuple

from . import values
from .walk import Data, Item, plain_name


class Ties(NamedTuple):
    """What is to be tied."""

    groups: List[List[str]]
    """Names of one and the same weight."""
    asked_only: List[List[str]]
    """Of these, groups that the configuration asks for and that the class itself does not tie."""
    asked: Tuple[str, ...]
    """The pair that the configuration asks for; empty where it asks for none, or the class does not name both."""
    head: str
    """The weight of the output embedding; empty where the class names none."""
    apart: bool
    """Whether it is known that nothing else is tied: the class was built."""

    def mates(self, name: str) -> List[str]:
        """The other names of this one."""
        return [each for group in self.groups if name in group for each in group if each != name]

    def sources(self, name: str, of: Dict[str, str]) -> List[str]:
        """The tensors of the files that this one may come from: its own, and those of its mates.

        The head's only where there is no other: where a file holds two tensors for one weight, the head is the one that is apart.
        """
        mates = [each for each in self.mates(name) if each in of]
        if name not in of:
            mates = [each for each in mates if each != self.head] or mates
        return list(dict.fromkeys(of[each] for each in (name, *mates) if each in of))


def expected_ties(model: Any, built: Iterable[Item], of: Dict[str, str]) -> Ties:
    """The ties of the class when it is built, and those that the configuration asks for where the files hold the weight once."""
    by_object: Dict[int, List[str]] = {}
    known = False
    for each in built:
        known = True
        if each.kind == "parameter":
            by_object.setdefault(id(each.tensor), []).append(each.name)
    groups = [names for names in by_object.values() if len(names) > 1]
    ends = _ends(model)
    asked = ends if _asks(getattr(model, "config", None)) and len(set(ends)) == 2 else ()
    only = []
    if asked and not any(set(asked) <= set(group) for group in groups) and sum(name in of for name in asked) < 2:
        groups.append(list(asked))
        only.append(list(asked))
    return Ties(groups, only, asked, ends[-1] if ends else "", known)


def _asks(config: Any) -> bool:
    """Whether a configuration asks for the embeddings to be tied. One that says so whatever it is given (T5's of transformers 5) does not."""
    text = getattr(config, "text_config", None) or config
    if not (getattr(config, "tie_word_embeddings", False) and getattr(text, "tie_word_embeddings", True)):
        return False
    try:
        return not type(config)(tie_word_embeddings=False).tie_word_embeddings
    except Exception:  # a class that needs more than that
        return True


def _ends(model: Any) -> Tuple[str, ...]:
    """The weights of the input and the output embedding, where the class names both and they are of one shape."""
    try:
        ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    except Exception:  # not every class has both
        return ()
    weights = [getattr(end, "weight", None) for end in ends]
    if any(each is None for each in weights) or tuple(weights[0].shape) != tuple(weights[1].shape):
        return ()
    names = {id(module): name for name, module in model.named_modules()}
    if any(id(end) not in names for end in ends):
        return ()
    return tuple(plain_name((names[id(end)] + "." if names[id(end)] else "") + "weight") for end in ends)


def tie_faults(torch: Any, ties: Ties, named: Dict[str, Item], judged: Dict[str, Any], data: Dict[str, Data]) -> Tuple[List[Dict[str, Any]], int]:
    """What is tied wrongly, and how many ties hold."""
    faults: List[Dict[str, Any]] = []
    held = 0
    for group in ties.groups:
        there = [name for name in group if name in named]
        first, rest = there[:1], there[1:]
        for name in rest:
            fault = _apart(torch, (first[0], name), named, judged, data, asked={first[0], name} == set(ties.asked))
            if fault:
                asked = " (the configuration asks for it, the class does not do it)" if group in ties.asked_only else ""
                faults.append({"kind": "tie-lost", "detail": fault + asked, "names": [first[0], name]})
            else:
                held += 1
    return faults + (_unasked(ties, named) if ties.apart else []), held


def _apart(torch: Any, pair: Tuple[str, str], named: Dict[str, Item], judged: Dict[str, Any], data: Dict[str, Data], *, asked: bool) -> str:
    """How two names of one weight are not tied; empty where they are, or where the files keep them apart and the configuration has not `asked`."""
    one, other = pair
    first, second = named[one].tensor, named[other].tensor
    if first is second:
        return ""
    here, there = data[one], data[other]
    if here.tensor is None or there.tensor is None:
        return (
            "" if here.tensor is there.tensor and not here.told else "two parameters, and one of them has no data" if here.told and there.told else ""
        )
    if here.window or there.window:
        return ""
    if here.where or there.where:
        return (
            "" if values.equal(torch, here.tensor, there.tensor.to(here.tensor.device)) else "two tensors, one of them offloaded, with other values"
        )
    if first.data_ptr() == second.data_ptr() and first.numel():
        return "two parameters over one memory: an optimizer steps each, and .to() parts them"
    if first.device != second.device:
        return "" if values.equal(torch, here.tensor.cpu(), there.tensor.cpu()) else "two tensors on two devices, with other values"
    same = values.equal(torch, here.tensor, there.tensor)
    sources = [list(judged[name].source) for name in pair]
    if not same and sources[0] != sources[1] and all(judged[name].state == "as-in-file" for name in pair):
        return "two tensors, as the file has them, where the configuration asks for one" if asked else ""
    return "two tensors %s" % ("that are equal now and will part in training" if same else "with other values")


def _unasked(ties: Ties, named: Dict[str, Item]) -> List[Dict[str, Any]]:
    """Parameters that share their memory, and do not where the class is built."""
    by_memory: Dict[Any, List[str]] = {}
    for name, each in named.items():
        if each.kind == "parameter" and each.tensor.device.type != "meta" and type(each.tensor).__name__ == "Parameter" and each.tensor.numel():
            by_memory.setdefault((str(each.tensor.device), each.tensor.data_ptr(), tuple(each.tensor.shape)), []).append(name)
    faults = []
    for names in by_memory.values():
        strangers = [name for name in names[1:] if name not in ties.mates(names[0])]
        if strangers:
            faults.append({"kind": "tie-unasked", "detail": "one memory for weights that the class keeps apart", "names": [names[0], *strangers]})
    return faults
