"""Which distribution's source file a traceback names."""

from __future__ import annotations

from dataclasses import dataclass

from doctor.dating.fingerprints import covered_distributions, index_of

_PACKAGE_FOLDERS = ("site-packages", "dist-packages")
_ARCHIVES = (".whl", ".egg")


@dataclass(frozen=True)
class Place:
    """A file that an index knows, or one beside such files."""

    distribution: str
    path: str
    """From the import package on: `transformers/modeling_utils.py`."""
    installed: bool
    """False for a file outside the folders that installers write to: a checkout, or a copy in another project."""


def place_of(file: str) -> Place | None:
    """The place of a file as a traceback prints it, with `/` between folders; None for one of no distribution covered, vendored copies included."""
    parts = file.split("/")
    packages = {distribution.replace("-", "_"): distribution for distribution in covered_distributions()}
    folders = [number for number, part in enumerate(parts) if part.lower() in _PACKAGE_FOLDERS or part.endswith(_ARCHIVES)]
    if folders:
        inside = parts[folders[-1] + 1 :]
        return Place(packages[inside[0]], "/".join(inside), True) if inside and inside[0] in packages else None
    for number in range(len(parts) - 2, -1, -1):
        distribution, path = packages.get(parts[number]), "/".join(parts[number:])
        if distribution is not None and path in index_of(distribution).paths:
            return Place(distribution, path, _left_out(parts[:number]))
    return None


def _left_out(parents: list[str]) -> bool:
    """Whether the text does not say where the package lies: `transformers/...`, `.../transformers/...`."""
    return not any(each.isalnum() for each in "".join(parents))
