"""Every distribution that is installed in the patient, from its records. Nothing of the patient's is run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from doctor.facts.frozen import Frozen
from doctor.knowledge.matrix import normalised_name


class Installed(Frozen):
    """One installed distribution."""

    name: str
    """Normalised as PEP 503 says."""
    version: str
    """As its metadata has it."""
    record: Path
    """Its dist-info or egg-info."""
    requires: tuple[str, ...]
    """What it declares that it needs, a line each, extras included."""
    direct: bool
    """Whether it came from a direct reference (PEP 610): a source tree, version control, a file."""
    recorded: bool
    """Whether it has a list of its files (RECORD), without which no installer can take it out."""


Inventory = Mapping[str, Installed]
"""By normalised name, as `import` would find them: of several the first on the path."""


def inventory_of(path: Sequence[Path]) -> Inventory:
    """What is installed on a module search path. A record that cannot be read is passed over: the probe complains of those."""
    found: dict[str, Installed] = {}
    for entry in path:
        for each in metadata.distributions(path=[str(entry)]):
            installed = _installed(each)
            if installed is not None:
                found.setdefault(installed.name, installed)
    return found


def _installed(distribution: metadata.Distribution) -> Installed | None:
    # Where the standard library keeps the folder has no public name: https://github.com/python/importlib_metadata/issues/357
    folder = getattr(distribution, "_path", None)
    try:
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
        requires = tuple(distribution.requires or ())
        direct = distribution.read_text("direct_url.json") is not None
        recorded = distribution.read_text("RECORD") is not None
    except (OSError, ValueError, KeyError):
        return None
    if not name or not version or folder is None or os.path.basename(folder).startswith("~"):
        return None
    return Installed(normalised_name(name), version, Path(folder), requires, direct, recorded)


def versions_of(inventory: Inventory) -> dict[str, str]:
    """The installed versions by name."""
    return {name: each.version for name, each in inventory.items()}
