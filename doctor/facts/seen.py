"""A checkpoint as one machine of several sees it. Apart from the other facts of models, of which a report on an environment needs none."""

from __future__ import annotations

from doctor.facts.frozen import Frozen


class CheckpointSeen(Frozen):
    """A checkpoint as one machine of several sees it, in so few words that a report carries them."""

    name: str
    """As it was named on the command line."""
    error: str | None = None
    """Why it cannot be read there; None where it can."""
    files: int = 0
    """How many files of weights it has."""
    bytes: int = 0
    """Of its tensors, or of the files where they are pickles."""
    loading: int | None = None
    """Bytes of RAM that one process takes for loading all of it, and that the system cannot take back; None where that is not known."""
    digest: str | None = None
    """BLAKE2b over the names and sizes of its files, over config.json and indexes whole, and the first and last 64 KiB of each file of weights."""
