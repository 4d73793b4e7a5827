"""Bytes, for people."""

from __future__ import annotations

GIB, MIB, KIB = 1024**3, 1024**2, 1024


def size(count: int | float | None) -> str:
    """Bytes for people: `16.1 GB` is what others write for 15.0 GiB, so the unit is always a binary one."""
    if count is None:
        return "an unknown amount"
    for unit, factor in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if count >= factor:
            shown = f"{count / factor:.1f}"
            return f"{shown.removesuffix('.0')} {unit}"
    return f"{count:.0f} bytes"
