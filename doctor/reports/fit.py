"""The document of `doctor fit`, as a type: its JSON Schema is generated from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from doctor.diagnosis.placed import Met
from doctor.facts.frozen import Frozen
from doctor.facts.model import StorageFormat
from doctor.facts.placement import CacheSize, DecidedBy, OnMeta, PlacedPart, VerdictStatus
from doctor.reports.document import SchemaVersion


class Parameters(Frozen):
    """How many numbers the model has."""

    total: int | None
    """Every parameter once, however many names it has; None where the model could not be built and its files do not say."""
    buffers: int | None
    """Numbers in buffers; None where the model was not built."""
    tied: Mapping[str, tuple[str, ...]]
    """By the name of a parameter, the other names it has."""


class Bytes(Frozen):
    """How long the model is."""

    stored: int | None
    """In the checkpoint's files, by their headers; of pickles, the length of the files. None where there are none."""
    loaded: int | None
    """In the dtypes it has once loaded, buffers included; None where that is not known."""
    buffers: int | None
    """Of these, in buffers."""
    by_dtype: Mapping[str, int]
    """Of `loaded`, by dtype."""
    by_device: Mapping[str, int]
    """Of `loaded`, by device: the number of a GPU, `cpu`, `disk`, `mps`."""


class Device(Frozen):
    """One place that the model may go to."""

    name: str
    """The number of a GPU, `cpu`, `disk`, `mps`."""
    placed: int
    """Bytes of the model that go there."""
    free: int | None
    """Bytes that are free there: of memory, within the limits set on this process. None where it is not known."""
    limit: int | None
    """Bytes that accelerate takes for free there, before it keeps some back; None for a disk, and where it was not asked."""


class Loading(Frozen):
    """What loading takes."""

    peak: int | None
    """Bytes of RAM that the process has resident at most, its libraries included; None where it is not known."""
    without_device_map: int | None
    """The same, were it loaded with no device_map: all of it into RAM."""


class FitReport(Frozen):
    """`doctor fit --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["fit"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    model: str
    """As it was named."""
    format: StorageFormat
    """What its weights are kept in; `none` where only its configuration is there."""
    model_class: str | None
    """The class that was built; None where none was."""
    versions: Mapping[str, str]
    """Of the packages that placed it, and of torch."""
    verdict: VerdictStatus
    """`fits`: nothing is left on meta; `offloaded`: it loads, and some of it is; `too large`: memory or disk runs out; `refused`: the load raises."""
    verdict_line: str
    """The verdict in one line."""
    decided_by: DecidedBy | None
    """Who placed it; None where it was not placed."""
    because: str | None
    """Why it is an estimate, or was not placed; None where accelerate placed it."""
    parameters: Parameters
    bytes: Bytes
    devices: tuple[Device, ...]
    """GPUs first, then memory and the disk; also those that nothing goes to."""
    placement: tuple[PlacedPart, ...]
    """The device map, entry by entry; empty where it was not placed."""
    on_meta: OnMeta | None
    """What is left on meta after loading; None where it was not placed."""
    loading: Loading
    cache: CacheSize | None
    """Of keys and values; None where it was not asked for (--batch, --context)."""
    remedies: tuple[str, ...]
    """What would make it fit; each of them was tried in the same way. Empty where nothing was found, or it fits."""
    advisories: tuple[Met, ...]
    """Known problems of the installed releases that this placement walks into, or sets ready for what is done to the model."""
    assumes: tuple[str, ...]
    """What the numbers assume."""
    exit_code: int
    """With which the command ended."""
