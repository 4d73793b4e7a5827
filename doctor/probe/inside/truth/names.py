"""Which tensors of the files belong to which tensor of the model. What is renamed on loading is found by the library's own rules."""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set

_OLD = (
    (re.compile(r"LayerNorm\.gamma$"), "LayerNorm.weight"),
    (re.compile(r"LayerNorm\.beta$"), "LayerNorm.bias"),
    (re.compile(r"\.gamma$"), ".weight"),
    (re.compile(r"\.beta$"), ".bias"),
    (re.compile(r"weight_g$"), "parametrizations.weight.original0"),
    (re.compile(r"weight_v$"), "parametrizations.weight.original1"),
    (re.compile(r"parametrizations\.weight\.original0$"), "weight_g"),
    (re.compile(r"parametrizations\.weight\.original1$"), "weight_v"),
    (re.compile(r"\.(lora_[A-Za-z_]+)\.(weight|bias)$"), r".\1.default.\2"),
    (re.compile(r"\.(lora_[A-Za-z_]+)$"), r".\1.default"),
)
"""What transformers and peft have renamed on loading since their first releases."""


class Sources(NamedTuple):
    """Where the files hold what the model has."""

    of: Dict[str, str]
    """By the name in the model, the name in the files."""
    left: List[str]
    """In the files, and under no name that the model has."""
    added: str
    """The prefix that names in the model have and those in the files have not, as `model.`; empty where they agree."""
    removed: str
    """The prefix that names in the files have and those in the model have not."""


def sources(model: Any, wanted: Sequence[str], stored: Iterable[str]) -> Sources:
    """Match names: those that are equal first, then by the rules of the library, by a prefix, and by what was renamed long ago."""
    names, there = list(stored), set(wanted)
    of = {name: name for name in names if name in there}
    taken = set(of)
    renaming = _library_renaming(model)
    left = [name for name in names if name not in taken]
    for rename in filter(None, (renaming, _old_names(there))):
        for name in left:
            target = rename(name)
            if target in there and target not in of:
                of[target] = name
        left = _without(left, of)
    added, removed = _prefixes(left, there - set(of)) if len(left) and len(of) < len(there) else ("", "")
    for name in left:
        for start in _starts(name, added, removed):
            for target in (start, *((renaming(start),) if renaming else ()), _old_names(there)(start)):
                if target in there and target not in of:
                    of[target] = name
    return Sources(of, _without(left, of), added, removed)


def _starts(name: str, added: str, removed: str) -> List[str]:
    found = [added + name] if added else []
    return [*found, name[len(removed) :]] if removed and name.startswith(removed) else found


def _without(names: Sequence[str], of: Dict[str, str]) -> List[str]:
    taken = set(of.values())
    return [name for name in names if name not in taken]


def _prefixes(left: Sequence[str], missing: Set[str]) -> "tuple[str, str]":
    """The prefix to add to names in the files and the one to remove from them, each the one that makes most of the names agree."""
    by_end: Dict[str, List[str]] = {}
    for name in missing:
        by_end.setdefault(_end(name), []).append(name)
    adding: Counter[str] = Counter()
    removing: Counter[str] = Counter()
    for name in left:
        for target in by_end.get(_end(name), ()):
            if target.endswith("." + name):
                adding[target[: -len(name)]] += 1
            elif name.endswith("." + target):
                removing[name[: -len(target)]] += 1
    return _best(adding), _best(removing)


def _end(name: str) -> str:
    return ".".join(name.split(".")[-2:])


def _best(votes: "Counter[str]") -> str:
    return min(votes, key=lambda prefix: (-votes[prefix], len(prefix), prefix)) if votes else ""


def _old_names(there: Set[str]) -> Any:
    def rename(name: str) -> Optional[str]:
        for pattern, replacement in _OLD:
            found = pattern.sub(replacement, name)
            if found != name and found in there:
                return found
        return None

    return rename


def _library_renaming(model: Any) -> Any:
    """How the model's own library renames a tensor of a file, where it has rules for that: transformers from 4.48 on."""
    new = sys.modules.get("transformers.core_model_loading")
    if new is not None and hasattr(new, "rename_source_key"):
        return _renaming_of_5(new, model)
    rules = getattr(model, "_checkpoint_conversion_mapping", None)
    if not isinstance(rules, dict) or not rules:
        return None

    def rename(name: str) -> str:
        for pattern, replacement in rules.items():
            # A group in a replacement of theirs is written as in a pattern: `^(language_model).`
            found = re.sub(pattern, re.sub(r"\(.*\)", "", str(replacement).lstrip("^")), name)
            if found != name:
                return found
        return name

    return rename


def _renaming_of_5(loading: Any, model: Any) -> Any:
    try:
        weights = conversions(model)
        renamings = [each for each in weights if isinstance(each, loading.WeightRenaming)]
        converters = [each for each in weights if not isinstance(each, loading.WeightRenaming)]
    except Exception:
        return None
    if not weights:
        return None

    def rename(name: str) -> Optional[str]:
        try:
            return str(loading.rename_source_key(name, renamings, converters)[0])
        except Exception:  # its form changes from release to release, and what it cannot tell is looked for by value
            return None

    return rename


def conversions(model: Any) -> List[Any]:
    """The rules of transformers 5 for a model; none for one that is not its own."""
    mapping = sys.modules.get("transformers.conversion_mapping")
    get = getattr(mapping, "get_model_conversion_mapping", None)
    return list(get(model) or ()) if get is not None and hasattr(model, "config") else []


def as_saved(model: Any, name: str, tensor: Any) -> Dict[str, Any]:
    """One tensor of the model as transformers 5 would write it into a file: several, where experts were merged. Empty where it has no rule."""
    loading = sys.modules.get("transformers.core_model_loading")
    revert = getattr(loading, "revert_weight_conversion", None)
    if revert is None or not hasattr(model, "config"):
        return {}
    try:
        return dict(revert(model, {name: tensor}))
    except Exception:
        return {}
