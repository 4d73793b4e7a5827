"""`label: value` lines: `transformers env`, `accelerate env`, `hf env`, `diffusers-cli env`, torch's and vLLM's collect_env, `pip show`.

The labels are those of the releases: transformers 4.20 to 5.23, accelerate 0.10 to 1.15, diffusers 0.10 to 0.42, torch 1.8 to 2.13.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from doctor.facts.environment import AcceleratorKind
from doctor.readers.statements import IN_PROSE, LISTED, Device, Ledger, Source, first_version

_MAX_LABEL = 64
_MAX_GAP_LINES = 60
"""collect_env has the whole of `lscpu` between two labels."""
_DECORATION = str.maketrans({"`": None, "*": None, "\U0001f917": None, "\ufe0f": None})
_NOT_INSTALLED = ("not installed", "n/a", "na", "none", "not found")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._ -]{0,60}[a-z0-9])?")
_PYTHON = re.compile(r"v?(3\.[0-9]{1,2}(?:\.[0-9]{1,3})?)(?:(?:a|b|rc)[0-9]{1,2})?(?!\d)")
_GPU_LINE = re.compile(r"^(?:GPU models and configuration {0,4}: {0,4})?GPU \d{1,3}: (?P<name>[^\s(][^()]{1,80}?)(?: \(UUID.*)?$")
_SMI_ROW = re.compile(r"^(?P<name>[A-Z][^,|:]{2,60}), (?P<memory>\d{3,7}) MiB$")
_SMI_HEAD = re.compile(r"Driver Version: (?P<driver>\d[\d.]{1,20})\s{1,40}CUDA Version: (?P<cuda>\d[\d.]{1,10})")
_GIB = re.compile(r"(\d{1,7}(?:\.\d{1,4})?) ?(?:GiB|GB)\b")
_IN_PARENTHESES = re.compile(r"\((\w{2,6})\)")
_FROM_SOURCE = re.compile(r"main|master|nightly|git(?:@?[0-9a-f]{7,40})?")
_SHOWN_NAME = re.compile(r"^Name: ([A-Za-z0-9][\w.-]{0,80})$")
_SHOWN_VERSION = re.compile(r"^Version: (\S{1,80})$")
_DEVICE_LABELS: dict[str, AcceleratorKind] = {"gpu type": "cuda", "xpu type": "xpu", "mps type": "mps"}
_FIRST_LABELS = {"transformers version": "`transformers env`", "accelerate version": "`accelerate env`", "diffusers version": "`diffusers-cli env`"}
_TELLING_LABELS = {
    "is debug build": "`collect_env`", "cuda used to build pytorch": "`collect_env`", "running on google colab?": "`diffusers-cli env`",
    "running in ipython ?": "`hf env`", "running in notebook ?": "`hf env`", "accelerate bash location": "`accelerate env`",
}  # fmt: skip
_HUB_LABELS = ("torch", "numpy")
"""Which `hf env` writes without "version"."""


class _Block:
    """Labelled lines that belong together."""

    __slots__ = ("labels", "last", "name", "source")

    def __init__(self, source: Source, last: int) -> None:
        self.source = source
        self.last = last
        self.labels: list[str] = []
        self.name: str | None = None

    def add(self, label: str, line: int) -> None:
        if label not in self.labels and len(self.labels) < 80:
            self.labels.append(label)
        self.last = line
        self.name = self.name or _TELLING_LABELS.get(label)
        name = "vLLM's `collect_env`" if "vllm version" in self.labels else self.name
        if name is None and len(self.labels) >= 3:
            name = next((_FIRST_LABELS[each] for each in self.labels[:1] if each in _FIRST_LABELS), None)
        if name is not None or len(self.labels) >= 3:
            self.source.format = f"{name} block" if name else "labelled lines"
            self.source.authority = LISTED


class LabelledReader:
    """Reads labelled lines wherever they stand."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._block: _Block | None = None
        self._shown: str | None = None
        """Of `pip show`: the name in the line before."""
        self._rows = False
        """Of `diffusers-cli env`: further GPUs may follow, a line each."""

    def feed(self, number: int, line: str) -> bool:
        """Take the next line; whether it was one of these."""
        text = line.strip()
        if (self._shown is not None or text.startswith("Name: ")) and self._pip_show(number, text):
            return True
        if "GPU " in text and (gpu := _GPU_LINE.match(text)) is not None:
            block = self._block_at(number, "gpu models and configuration")
            self._ledger.device(Device("cuda", gpu["name"], False, None, block.source, number))
            return True
        if self._rows and self._block is not None and (row := _SMI_ROW.match(text)) is not None:
            self._smi_row(row, self._block, number)
            return True
        self._rows = False
        if ":" not in text and "\uff1a" not in text:
            return False
        if "Driver Version: " in text and (head := _SMI_HEAD.search(text)) is not None:
            source = Source("`nvidia-smi` table", number)
            self._ledger.fact("drivers.nvidia", f"{head['driver']} {head['cuda']}", source, number)
            return True
        return self._labelled(number, text)

    @property
    def attentive(self) -> bool:
        """Whether what a line means depends on the one before it."""
        return self._rows or self._shown is not None

    def _labelled(self, number: int, text: str) -> bool:
        label, _, value = text[:600].replace("\uff1a", ":", 1).partition(":")
        if len(label) > _MAX_LABEL:
            return False
        label = " ".join(label.lstrip("-*\u2022+ \t").translate(_DECORATION).lower().split())
        value = value.strip(" \t`*\"'")
        if label not in _KNOWN and not label.endswith(" version") and not (label in _HUB_LABELS and self._in_hub_block()):
            return False
        block = self._block_at(number, label)
        return self._state(label, value, block, number)

    def _in_hub_block(self) -> bool:
        return self._block is not None and self._block.name == "`hf env`"

    def _block_at(self, number: int, label: str) -> _Block:
        """The block the line belongs to: the open one, unless it ended, or has this label already."""
        block = self._block
        again = block is not None and label in block.labels and label != "gpu models and configuration"
        if block is None or again or number - block.last > _MAX_GAP_LINES:
            block = self._block = _Block(Source("", number, IN_PROSE), number)
        block.add(label, number)
        return block

    def _pip_show(self, number: int, text: str) -> bool:
        name, self._shown = self._shown, None
        if (found := _SHOWN_NAME.match(text)) is not None:
            self._shown = found[1]
            return True
        version = _SHOWN_VERSION.match(text) if name is not None else None
        if name is None or version is None:
            return False
        self._ledger.package(name, version[1], Source("`pip show`", number - 1), number)
        return True

    def _state(self, label: str, value: str, block: _Block, number: int) -> bool:
        source = block.source
        if label in _FACTS:
            fact, read = _FACTS[label]
            said = read(value)
            if said is not None:
                self._ledger.fact(fact, said, source, number)
        elif label.startswith(("pytorch version", "torch version")):
            self._torch(value, "accelerator" in label, source, number)
        elif label in _DEVICE_LABELS:
            self._device(_DEVICE_LABELS[label], value, source, number)
        elif label == "pytorch accelerator":
            self._torch_uses(value, source, number, also_mps=True)
        elif label == "accelerator":
            self._smi_rows(value, block, number)
        elif label in _HUB_LABELS or label.endswith(" version"):
            return self._package(label.removesuffix(" version"), value, source, number)
        return True

    def _torch(self, value: str, asks_accelerator: bool, source: Source, number: int) -> None:
        """`2.6.0+cu124 (True)`; since transformers 4.50 `2.6.0+cu124 (CUDA)`."""
        self._package("torch", value, source, number)
        inside = _IN_PARENTHESES.search(value)
        if inside is None or not first_version(value):
            return
        if asks_accelerator:
            self._torch_uses(inside[1], source, number, also_mps=False)
        elif (available := _flag(inside[1])) is not None:
            self._ledger.fact("torch.cuda_available", available, source, number)

    def _torch_uses(self, said: str, source: Source, number: int, also_mps: bool) -> None:
        """The one accelerator that was found, of those that were looked for."""
        used = said.lower()
        for kind in ("cuda", "xpu", "mps"):
            if used == kind or kind != "mps" or also_mps:
                self._ledger.fact(f"torch.{kind}_available", str(used == kind), source, number)

    def _device(self, kind: AcceleratorKind, name: str, source: Source, number: int) -> None:
        if not name or name.startswith("<"):
            return
        self._ledger.device(Device(kind, name, True, None, source, number))
        self._ledger.fact(f"torch.{kind}_available", "True", source, number)

    def _smi_rows(self, value: str, block: _Block, number: int) -> None:
        """diffusers prints what `nvidia-smi` or, on a Mac, `system_profiler` says; Lightning too has a setting called accelerator."""
        if block.name != "`diffusers-cli env`":
            return
        if (row := _SMI_ROW.match(value)) is not None:
            self._smi_row(row, block, number)
            self._rows = True
        elif value.startswith("Apple"):
            self._ledger.device(Device("mps", value, False, None, block.source, number))

    def _smi_row(self, row: re.Match[str], block: _Block, number: int) -> None:
        self._ledger.device(Device("cuda", row["name"], False, int(row["memory"]) * 1024**2, block.source, number))

    def _package(self, label: str, value: str, source: Source, number: int) -> bool:
        """`Accelerate version: 1.2.1`, `PEFT version: not installed`, `transformers version: main`."""
        name = label.replace(" ", "-")
        if _NAME.fullmatch(label) is None:
            return False
        version = first_version(value)
        lowered = value.lower()
        if version is not None:
            self._ledger.package(name, version, source, number)
        elif lowered.startswith(_NOT_INSTALLED[:2]) or lowered in _NOT_INSTALLED:
            if source.authority == LISTED:
                self._ledger.package(name, None, source, number, absent=True)
        elif _FROM_SOURCE.fullmatch(lowered):
            self._ledger.package(name, value, source, number, origin="vcs")
        else:
            return False
        return True


def _python(value: str) -> str | None:
    found = _PYTHON.match(value)
    return found[1] if found is not None else None


def _flag(value: str) -> str | None:
    return {"true": "True", "yes": "True", "false": "False", "no": "False"}.get(value.lower())


def _bytes(value: str) -> str | None:
    found = _GIB.match(value)
    return str(int(float(found[1]) * 1024**3)) if found is not None else None


def _as_said(value: str) -> str | None:
    return value or None


_FACTS: Mapping[str, tuple[str, Callable[[str], str | None]]] = {
    "python version": ("python.version", _python),
    "platform": ("platform", _as_said),
    "python platform": ("platform", _as_said),
    "os": ("os", _as_said),
    "operating system": ("os", _as_said),
    "is cuda available": ("torch.cuda_available", _flag),
    "cuda available": ("torch.cuda_available", _flag),
    "pytorch cuda available": ("torch.cuda_available", _flag),
    "is xpu available": ("torch.xpu_available", _flag),
    "pytorch xpu available": ("torch.xpu_available", _flag),
    "cuda used to build pytorch": ("torch.cuda_built", first_version),
    "rocm used to build pytorch": ("torch.hip_built", first_version),
    "system ram": ("memory.total", _bytes),
    "nvidia driver version": ("drivers.nvidia", first_version),
    "gpu driver version": ("drivers.nvidia", first_version),
}
"""By label: the fact it states, and what of its value is the fact."""
_KNOWN = frozenset({
    "pytorch version (gpu?)", "pytorch version (accelerator?)", "pytorch accelerator", "accelerator", "gpu models and configuration",
    *_FACTS, *_DEVICE_LABELS, *_TELLING_LABELS,
})  # fmt: skip
