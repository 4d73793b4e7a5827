"""Every tensor of a model held against the files it was loaded from: one pass, and plain data as the answer."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set

from . import names as naming, reference, values
from .files import Files, Stored
from .hooks import hook_faults
from .ties import expected_ties, tie_faults
from .walk import Data, Item, by_name, data_of, items, offloading_hook, quantised_layer, unwrapped

Answer = Dict[str, Any]
_SEEDS = (11, 12)
_MOST_LOST = 0.5
"""Of a weight's norm, what packing may lose: 8 bits lose 1 %, 4 bits 10 to 15 %, 2 bits 40 %; another tensor is 140 % away, zeros are 100 %."""


class _Judged(NamedTuple):
    """What came of one tensor."""

    state: str
    """`as-in-file`, `as-the-class-sets-it`, `wrong` or `not-told`."""
    kind: str = ""
    """Of what is wrong with it."""
    detail: str = ""
    source: Sequence[str] = ()
    """The tensors in the files that it was held against."""
    values: str = ""
    """What its values look like, where they are wrong."""


def inspect(
    torch: Any,
    model: Any,
    stored: Sequence[Stored],
    pickled: Sequence[str],
    *,
    build: Optional[Callable[[], Any]] = None,
    rebuild: bool = True,
    digests: bool = False,
    went: Callable[[int, int], None] = lambda done, total: None,
) -> Answer:
    """Hold `model` against the tensors `stored` in safetensors files and in the `pickled` ones; with neither, against its class alone.

    `build` makes the same model anew, for one whose class needs arguments; with `rebuild=False` nothing is built. `digests`: of every
    tensor. `went(done, total)` counts tensors. Raises `CannotRead` for a file that cannot be read.
    """
    files = Files(torch, stored, pickled)
    try:
        with torch.no_grad():
            return _Inspection(torch, unwrapped(model), files, build, rebuild=rebuild, digests=digests, went=went).answer()
    finally:
        files.close()


def joined(parts: Sequence[Any], name: str, module: str) -> Answer:
    """The answers for the parts of a pipeline, each with its name, as one."""
    found: Answer = {"class": name, "module": module, "tensors": [], "faults": [], "not_told": [], "ties": 0, "in_files": 0, "unused": []}
    found.update({"device_map": {}, "unbuilt": ""})
    for part, answer in parts:
        lead = part + "."
        found["tensors"] += [dict(each, name=lead + each["name"]) for each in answer["tensors"]]
        for key in ("faults", "not_told"):
            found[key] += [dict(each, names=[lead + one for one in each["names"]]) for each in answer[key]]
        found["ties"] += answer["ties"]
        found["in_files"] += answer["in_files"]
        found["unused"] += [lead + each for each in answer["unused"]]
        found["device_map"].update({lead + key: value for key, value in answer["device_map"].items()})
        found["unbuilt"] = found["unbuilt"] or answer["unbuilt"]
    return found


class _Inspection:
    """One pass over one model."""

    def __init__(
        self,
        torch: Any,
        model: Any,
        files: Files,
        build: Optional[Callable[[], Any]],
        *,
        rebuild: bool,
        digests: bool,
        went: Callable[[int, int], None],
    ) -> None:
        self._torch, self._files, self._digests, self._went = torch, files, digests, went
        self._whole, self._model = model, unwrapped(model, sharded=True)
        self._against_files = bool(files.tensors)
        self._items = list(items(torch, self._whole))
        self._named = by_name(self._items)
        self._sources = naming.sources(self._model, list(self._named), files.tensors)
        self._of = dict(self._sources.of)
        self._builders = reference.builder_of(self._model, build) if rebuild else []
        self._unbuilt = (
            "" if self._builders else ("nothing was to be built" if not rebuild else "its class needs arguments that are not known: give `build`")
        )
        self._built: Dict[str, Item] = {}
        self._again: Dict[str, Item] = {}
        self._kept: Set[reference.Key] = set()
        self._dtyped: Optional[Dict[str, Item]] = None
        self._built = self._reference(_SEEDS[0])
        self._ties = expected_ties(self._model, self._built.values(), self._of)
        self._left = [files.tensors[name] for name in self._sources.left]
        self._used: Set[str] = set()

    def answer(self) -> Answer:
        """What is right, what is wrong and what could not be told."""
        judged: Dict[str, _Judged] = {}
        seen: Dict[int, str] = {}
        data: Dict[str, Data] = {}
        for done, item in enumerate(self._named.values()):
            self._went(done, len(self._named))
            first = seen.setdefault(id(item.tensor), item.name)
            if first != item.name and judged[first].state != "wrong" and not offloading_hook(item.owner):
                judged[item.name], data[item.name] = judged[first], data[first]
                continue
            data[item.name] = data_of(self._torch, item)
            judged[item.name] = self._judge(item, data[item.name])
            if data[item.name].packed:  # Unpacked for this one look: all of them at once would be the model as it was before.
                data[item.name] = data[item.name]._replace(tensor=None, told=False)
        self._went(len(self._named), len(self._named))
        faults = _grouped((name, each.kind, each.detail) for name, each in judged.items() if each.state == "wrong")
        apart, held = tie_faults(self._torch, self._ties, self._named, judged, data)
        faults += apart
        faults += self._unsaved()
        faults += hook_faults(self._torch, self._whole)
        faults += _process_faults(self._torch)
        not_told = _grouped((name, "not-told", each.detail) for name, each in judged.items() if each.state == "not-told")
        return {
            "class": type(self._model).__name__,
            "module": type(self._model).__module__,
            "tensors": [self._record(self._named[name], each, data[name]) for name, each in judged.items()],
            "faults": faults,
            "not_told": [{"names": each["names"], "reason": each["detail"]} for each in not_told],
            "ties": held,
            "in_files": len(self._files.tensors),
            "unused": [each.name for each in self._left if each.name not in self._used],
            "device_map": {str(name): str(place) for name, place in (getattr(self._model, "hf_device_map", None) or {}).items()},
            "unbuilt": self._unbuilt,
        }

    def _judge(self, item: Item, data: Data) -> _Judged:
        if item.kind == "attribute":
            there = self._built.get(item.name)
            meant = there is not None and there.kind == "attribute"
            return _Judged("as-the-class-sets-it") if meant else _Judged("wrong", "on-meta", "a plain attribute, left on meta")
        if data.tensor is None:
            return _Judged("not-told", detail=data.missing) if not data.told else _Judged("wrong", "on-meta", data.missing)
        found = self._ties.sources(item.name, self._of)
        if data.packed:
            return self._packed_against(item, data, [self._files.tensors[name] for name in found])
        if found and (item.persistent or not self._built):
            return self._against(item, data, [self._files.tensors[name] for name in found])
        if not self._against_files and item.kind == "parameter":
            return _Judged("not-told", detail="no checkpoint was given to hold it against")
        return self._without_file(item, data, [self._files.tensors[name] for name in found])

    def _against(self, item: Item, data: Data, candidates: Sequence[Stored]) -> _Judged:
        mismatch: Optional[values.Mismatch] = None
        for each in candidates:
            if self._files.dtype(each) is None:
                return _Judged("not-told", detail="%s, its type in the file, is not known to this torch" % each.dtype, source=[each.name])
            found = values.difference(self._torch, self._files, data, each)
            if found is None:
                return _Judged("as-in-file", source=[each.name])
            mismatch = mismatch or found
        assert mismatch is not None
        first = candidates[0]
        if mismatch.kind in ("other-shape", "other-values", "transposed") and self._as_saved(item, data):
            return _Judged("as-in-file", source=self._as_saved(item, data))
        if quantised_layer(item) and mismatch.kind in ("other-shape", "other-values", "cast"):
            return _Judged("not-told", detail="a quantised layer (%s), which may be packed anew when loaded" % type(item.owner).__name__)
        if mismatch.kind in ("cast", "other-shape"):
            detail = {"cast": "an integer that became a float, or the other way round", "other-shape": "of another shape than in the file"}
            return _Judged("wrong", mismatch.kind, detail[mismatch.kind], [first.name], mismatch.detail)
        if mismatch.kind != "other-values":
            return _Judged("wrong", mismatch.kind, mismatch.detail, [first.name])
        why = values.explained(self._torch, self._files, data, first, self._files.tensors.values())
        if why.kind:
            return _Judged("wrong", why.kind, why.detail, [first.name])
        return self._never_loaded(item, data, first, mismatch.detail, why.detail)

    def _packed_against(self, item: Item, data: Data, candidates: Sequence[Stored]) -> _Judged:
        """A packed weight: as packed where the file has it so, else what it stands for, which is near what the file has."""
        for each in candidates:
            kind = self._files.dtype(each)
            if kind is None:
                continue
            if not kind.is_floating_point:
                raw = Data(item.tensor.detach().as_subclass(self._torch.Tensor))
                same = values.difference(self._torch, self._files, raw, each) is None
                return _Judged("as-in-file", source=[each.name]) if same else _Judged("not-told", detail="packed otherwise than in the file")
            if tuple(data.tensor.shape) == each.shape and self._files.has_data(each):
                away = values.distance(self._torch, self._files, data, each)
                if away <= _MOST_LOST:
                    return _Judged("as-in-file", source=[each.name])
                detail = "unpacked, its values are not those of the file: %.0f %% away" % (100 * away)
                return _Judged("wrong", "other-values", detail, [each.name], values.described(self._torch, data.tensor))
        return _Judged("not-told", detail="no file holds what it was packed from, under a name and in a shape that are known")

    def _never_loaded(self, item: Item, data: Data, stored: Stored, differs: str, described: str) -> _Judged:
        """A tensor that the files hold and the model does not: told by what is there instead."""
        name = [stored.name]
        held = " (the file has it as %s)" % stored.name if stored.name != item.name else ""
        there = self._made(item)
        if there is not None and values.equal(self._torch, data.tensor, there) and self._is_fixed(item):
            return _Judged("wrong", "fresh", "the file holds it, and the model has what its class sets" + held, name, described)
        if item.kind == "buffer":
            return _Judged("wrong", "other-values", "a buffer whose values are not those of the file" + held, name, differs)
        if self._resembles(data, stored):
            return _Judged("wrong", "other-values", "values that resemble those of the file and are others" + held, name, differs)
        if values.left_in_memory(self._torch, data.tensor):
            return _Judged("wrong", "uninitialised", "the file holds it, and the model has what was in memory" + held, name, described)
        if values.drawn_at_random(self._torch, data.tensor):
            return _Judged("wrong", "fresh", "the file holds it, and the model has random values in its place" + held, name, described)
        return _Judged("wrong", "other-values", "values that are not those of the file, nor like freshly initialised ones" + held, name, differs)

    def _resembles(self, data: Data, stored: Stored) -> bool:
        """Whether the values go with those of the file, as after some steps of training."""
        shape = tuple(data.shape or data.tensor.shape) or (1,)
        if data.window or data.tensor.numel() < 4 or not data.tensor.is_floating_point():
            return False
        here = data.tensor.reshape(shape)[:1].reshape(-1).float().cpu()
        there = self._files.rows(stored, shape, 0, 1).reshape(-1).float()
        if len(shape) == 1:
            here, there = data.tensor.float().cpu(), self._files.rows(stored, shape, 0, shape[0]).float()
        here, there = here - here.mean(), there - there.mean()
        size = float(here.norm() * there.norm())
        return size > 0 and float((here * there).sum()) / size > 0.8

    def _without_file(self, item: Item, data: Data, old: Sequence[Stored]) -> _Judged:
        """What no file holds under a name that is known: a buffer or parameter that the class sets, or one put together from several."""
        if item.name not in self._built and self._against_files:
            saved = self._as_saved(item, data)
            if saved:
                return _Judged("as-in-file", source=saved)
        if item.kind == "parameter" and self._against_files:
            parts = self._as_saved(item, data) or values.made_of(self._torch, self._files, data.tensor, self._left)
            if parts:
                self._used.update(parts)
                return _Judged("as-in-file", source=parts)
        if quantised_layer(item) and item.local in ("input_scale", "output_scale") and bool((data.tensor == 1).all()):
            return _Judged("as-the-class-sets-it")  # quanto's, where activations are not quantised
        if data.window or quantised_layer(item):
            return _Judged("not-told", detail="no file holds it under a name that is known")
        if item.name not in self._built and not self._unbuilt_part(item):
            if ".lora_" in item.name or "adapter" in item.name:
                return _Judged("not-told", detail="an adapter's, which the checkpoint does not hold")
            return _Judged("not-told", detail="neither the files nor its class have a tensor of this name")
        if item.name not in self._built:
            if old:
                return self._against(item, data, old)
            if item.kind == "parameter" and values.described(self._torch, data.tensor).startswith("not all of"):
                return _Judged(
                    "wrong",
                    "uninitialised",
                    "the file does not hold it, and nothing has initialised it",
                    values=values.described(self._torch, data.tensor),
                )
            return _Judged("not-told", detail="not in the file, and its class could not be built once more: " + self._unbuilt)
        return self._as_class(item, data, old)

    def _unbuilt_part(self, item: Item) -> bool:
        return bool(self._unbuilt) and not any(item.name.startswith(each.prefix) and each.prefix for each in self._builders)

    def _as_class(self, item: Item, data: Data, old: Sequence[Stored]) -> _Judged:
        there = self._made(item)
        if there is None:
            return _Judged(
                "not-told", detail="not in the file, and the value its class sets could not be had: " + (self._unbuilt or "it is on meta there too")
            )
        meant = [value for value in (there, self._under_dtype(item)) if value is not None]
        as_meant = any(values.equal(self._torch, data.tensor, value.to(data.tensor.device)) for value in meant)
        if as_meant and (item.kind == "buffer" or self._is_fixed(item)):
            return _Judged("as-the-class-sets-it")
        if any(values.difference(self._torch, self._files, data, each) is None for each in old):
            return _Judged("as-in-file", source=[each.name for each in old])
        described = values.described(self._torch, data.tensor)
        if self._is_fixed(item):
            kept = getattr(item.owner, "original_" + item.local, None)
            grows = getattr(item.owner, "rope_type", "") in ("dynamic", "longrope")
            if grows and isinstance(kept, self._torch.Tensor) and values.equal(self._torch, kept, there.to(kept.device)):
                return _Judged("as-the-class-sets-it", detail="changed in use: its original is as the class sets it")
            if tuple(there.shape) != tuple(data.tensor.shape):
                return _Judged("not-told", detail="it has another shape than when its class is built: %s" % list(data.tensor.shape))
            what = "parameter" if item.kind == "parameter" else "saved-buffer" if item.persistent else "buffer"
            return _Judged(
                "wrong", what + "-not-as-built", "the file does not hold it, and its value is another than its class sets", values=described
            )
        if item.kind == "buffer":
            return _Judged("not-told", detail="a buffer that the class fills with random values")
        if values.left_in_memory(self._torch, data.tensor):
            return _Judged("wrong", "uninitialised", "the file does not hold it, and nothing has initialised it", values=described)
        return _Judged("wrong", "fresh", "the file does not hold it: its values are random ones", values=described)

    def _as_saved(self, item: Item, data: Data) -> "list[str]":
        """The tensors of the files that the library would write this one as, where they all hold what it would write."""
        if data.window or data.tensor.device.type == "meta":
            return []
        written = naming.as_saved(self._model, item.name, data.tensor)
        if not written or list(written) == [item.name]:
            return []
        found = []
        for name, tensor in written.items():
            variants = (name, self._sources.removed + name, name[len(self._sources.added) :] if name.startswith(self._sources.added) else name)
            stored = next((self._files.tensors[each] for each in variants if each in self._files.tensors), None)
            if stored is None or self._files.dtype(stored) is None or values.difference(self._torch, self._files, Data(tensor), stored) is not None:
                return []
            found.append(stored.name)
        self._used.update(found)
        return found

    def _reference(self, seed: int, dtype: Any = None) -> Dict[str, Item]:
        found: Dict[str, Item] = {}
        for builder in self._builders:
            try:
                made = reference.built(self._torch, builder, self._kept, seed, dtype=dtype, size=self._bytes())
            except reference.CannotBuild as error:
                self._unbuilt = str(error)
                continue
            for each in items(self._torch, made):
                name = builder.prefix + each.name
                found.setdefault(name, each._replace(name=name))
        return found

    def _bytes(self) -> int:
        return sum(each.tensor.numel() * each.tensor.element_size() for each in self._named.values())

    def _made(self, item: Item) -> Any:
        """The value that the class sets; None where it could not be had."""
        there = self._built.get(item.name)
        if there is not None and there.tensor.device.type == "meta" and there.kind == "parameter":
            self._keep_missing(item)
            there = self._built.get(item.name)
        return None if there is None or there.tensor.device.type == "meta" else there.tensor.detach()

    def _keep_missing(self, item: Item) -> None:
        """Build once more, and keep what is like this parameter and whatever else no file holds."""
        wanted = [each for each in self._named.values() if each.kind == "parameter" and (each.name == item.name or each.name not in self._of)]
        keys = {(type(each.owner).__qualname__, each.local, tuple(each.tensor.shape)) for each in wanted}
        if not keys <= self._kept:
            self._kept |= keys
            self._built = self._reference(_SEEDS[0]) or self._built
            self._again = {}

    def _is_fixed(self, item: Item) -> bool:
        """Whether the class sets the same value each time it is built, rather than drawing one."""
        first = self._made(item)
        self._again = self._again or self._reference(_SEEDS[1])
        second = self._again.get(item.name)
        if first is None or second is None or second.tensor.device.type == "meta":
            return False
        return values.equal(self._torch, first, second.tensor)

    def _under_dtype(self, item: Item) -> Any:
        """The value that the class sets when it is built under the type of the model, as from_pretrained does; None where that is the usual one."""
        kinds = {each.tensor.dtype for each in self._named.values() if each.kind == "parameter" and each.tensor.is_floating_point()}
        low = [kind for kind in kinds if kind in (self._torch.float16, self._torch.bfloat16)]
        if not low:
            return None
        if self._dtyped is None:
            self._dtyped = self._reference(_SEEDS[0], low[0])
        there = self._dtyped.get(item.name)
        return None if there is None or there.tensor.device.type == "meta" else there.tensor.detach()

    def _unsaved(self) -> List[Answer]:
        """Buffers that the class saves and this model does not any more."""
        found = [
            (name, "not-saved", "the class saves this buffer, and state_dict() of this model leaves it out")
            for name, each in self._named.items()
            if each.kind == "buffer" and not each.persistent and name in self._built and self._built[name].persistent
        ]
        return _grouped(found)

    def _record(self, item: Item, judged: _Judged, data: Data) -> Answer:
        record = {
            "name": item.name,
            "kind": item.kind,
            "shape": [int(size) for size in (data.shape or item.tensor.shape)],
            "dtype": str(item.tensor.dtype).replace("torch.", ""),
            "device": str(item.tensor.device),
            "state": judged.state,
            "detail": judged.detail,
            "values": judged.values,
            "where": data.where,
            "source": list(judged.source),
            "digest": None,
        }
        if self._digests and data.tensor is not None:
            record["digest"] = values.digest(self._torch, data.tensor)
        return record


def _grouped(found: Iterable[Any]) -> List[Answer]:
    """Names with the same fault and detail together."""
    together: Dict[Any, List[str]] = {}
    for name, kind, detail in found:
        together.setdefault((kind, detail), []).append(name)
    return [{"kind": kind, "detail": detail, "names": names} for (kind, detail), names in together.items()]


def _process_faults(torch: Any) -> List[Answer]:
    """Whether some context that was never left still puts new modules on meta."""
    module = sys.modules.get("torch.nn.modules.module")
    register = getattr(getattr(module, "Module", None), "register_parameter", None)
    if register is None or register.__module__ == "torch.nn.modules.module":
        return []
    detail = "torch.nn.Module.register_parameter is replaced by %s: modules made from now on may be put on meta" % register.__module__
    return [{"kind": "process", "detail": detail, "names": []}]


__all__ = ["inspect", "joined"]
