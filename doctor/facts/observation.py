"""What a reproducer saw in one environment."""

from __future__ import annotations

from typing import Literal

from doctor.facts.frozen import Frozen

Verdict = Literal["reproduced", "not reproduced", "not applicable", "broken"]


CONTROL = "control"
"""The name of the shape in which a reproducer goes the right way: it must pass wherever the others fail."""


class ShapeObservation(Frozen):
    """What a reproducer saw in one of its shapes."""

    shape: str
    """Its name: a key of the reproducer's `SHAPES`."""
    verdict: Verdict
    """`broken`: it could not tell, for the reason in `detail`."""
    detail: str
    """One line: the error, what differed, or what was checked."""


class Observation(Frozen):
    """What the reproducer of one advisory saw."""

    id: str
    """Of the advisory."""
    verdict: Verdict
    """`broken`: it could not tell, for the reason in `detail`."""
    detail: str
    """One line: the error, what differed, or what was checked; of the shape that decided, where there are several."""
    shapes: tuple[ShapeObservation, ...] = ()
    """Shape by shape; empty for a reproducer that has only one."""


def in_all_shapes(advisory_id: str, shapes: tuple[ShapeObservation, ...]) -> Observation:
    """One observation of several: a problem that shows in one shape is there, and one that could not be tried clears nothing.

    Where the right way (`CONTROL`) does not pass either, the others say nothing of this problem.
    """
    control = next((each for each in shapes if each.shape == CONTROL), None)
    tried = tuple(each for each in shapes if each is not control) or shapes
    if control is not None and control.verdict != "not reproduced" and any(each.verdict != "not applicable" for each in shapes):
        return Observation(advisory_id, "broken", f"the right way does not pass either: {control.detail}", shapes)
    order: tuple[Verdict, ...] = ("reproduced", "broken", "not reproduced", "not applicable")
    verdict = next(each for each in order if any(seen.verdict == each for seen in tried))
    same = [each for each in tried if each.verdict == verdict]
    others = f" (also: {', '.join(each.shape for each in same[1:])})" if len(same) > 1 else ""
    return Observation(advisory_id, verdict, f"{same[0].shape}: {same[0].detail}{others}", shapes)
