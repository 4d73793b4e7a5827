"""What a text shows of a failure: the exception, its message and its frames, as they were printed. Plain facts, no reading."""

from __future__ import annotations

from doctor.facts.frozen import Frozen


class Frame(Frozen):
    """One frame of a traceback."""

    file: str
    """As printed, but with `/` between folders: `/usr/lib/python3/dist-packages/transformers/modeling_utils.py`."""
    line: int | None
    """From 1; None where the text does not say."""
    function: str | None
    """The function's name without arguments; None where the text does not say, `<module>` at the top level."""
    code: str | None = None
    """The source line, stripped; None where the text shows none."""


class Failure(Frozen):
    """One exception, with the frames it came through."""

    exception: str | None
    """The name as printed, `torch.OutOfMemoryError`; None when the text was cut before it."""
    message: str
    """All its lines, at most the first 4096 characters; empty when there is none, or the text was cut before it."""
    frames: tuple[Frame, ...]
    """Outermost first."""
    line: int
    """Where it begins in the text, from 1."""
    count: int = 1
    """How often the text holds it: once for each rank, say."""
    cause_of: int | None = None
    """For an exception that led to another ("During handling", "direct cause"): the index of that other. None: nothing came of it."""
    ranks: tuple[int, ...] = ()
    """Of a distributed run, those whose lines it stands in, in their order; empty where no prefix tells."""
    processes: tuple[str, ...] = ()
    """Processes that are no ranks, as the prefixes of their lines name them: `EngineCore_0 pid=22`."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every process that printed it, by name."""
        return (*map(str, self.ranks), *self.processes)
