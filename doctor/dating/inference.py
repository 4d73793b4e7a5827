"""From frames to releases: a release stays in only while every frame can come from its files."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from doctor.dating.fingerprints import START_CHARACTERS, FileState, Index, index_of, line_hash, plain_text
from doctor.dating.places import Place, place_of
from doctor.dating.wording import dated_text, modified_text
from doctor.facts.symptom import Frame

Status = Literal["dated", "modified", "not covered"]
_MAX_SIGHTINGS = 100
"""Of one distribution; a recursion shows the same few again and again, and these count once."""
_FAR_LINES = 200
"""Text that stands this far from where it was seen is not what was seen, moved by an edit above it."""


@dataclass(frozen=True)
class Sighting:
    """A frame in the terms of an index."""

    path: str
    line: int
    function: str | None
    """As `plain_text` leaves it, `<module>` at the top level; None where any function will do: lambdas and comprehensions are not indexed."""
    code: int | None = None
    """The hash of the source line; None when the frame shows none."""
    is_long: bool = False
    """The source line is long enough to be recognised where its end was cut off."""


@dataclass(frozen=True)
class Dating:
    """Which releases of a distribution a traceback can come from."""

    distribution: str
    """Normalised name."""
    status: Status
    """`dated`: `candidates` are all there is. `modified`: no release covered has all the frames. `not covered`: no frame says anything."""
    candidates: tuple[str, ...]
    """Every release that all the frames can come from, and of those the ones with most source lines in agreement; oldest first."""
    nearest: tuple[str, ...]
    """When no release has all the frames: those that have most of them; empty when none has any."""
    frames: int
    """How many different frames could be looked up."""
    agreeing: int
    """How many of them the candidates, or else the nearest, have."""
    lines: int
    """How many source lines agree with those."""
    installed: bool
    """False when the files lie where no installer puts them: in a checkout or in another project's copy, which may only resemble a release."""
    summary: str
    """One line for people: `transformers 4.46.0 to 4.46.3 (3 frames, 2 source lines agree)`."""

    @property
    def exact(self) -> bool:
        """Whether one release of an installed distribution is left."""
        return self.status == "dated" and self.installed and len(self.candidates) == 1


class _Verdict(IntEnum):
    """What one state of a file says about a sighting."""

    ELSEWHERE = 0
    """The function does not span this line."""
    OTHER_TEXT = 1
    """It does, but the line reads otherwise."""
    POSSIBLE = 2
    """It does, and of the source line nothing is shown, or a start that agrees."""
    SAME_TEXT = 3


def date_frames(frames: Iterable[Frame]) -> tuple[Dating, ...]:
    """What frames of one environment say about its releases: a dating for each distribution that has frames, by name.

    Which releases of one distribution are likely beside those of another plays no part. Raises `DoctorError` when an index was damaged.
    """
    places: dict[str, list[tuple[Place, Frame]]] = {}
    for frame in dict.fromkeys(frames):
        place = place_of(frame.file)
        if place is not None:
            places.setdefault(place.distribution, []).append((place, frame))
    return tuple(_dating(distribution, places[distribution]) for distribution in sorted(places))


def _dating(distribution: str, found: Sequence[tuple[Place, Frame]]) -> Dating:
    index = index_of(distribution)
    installed = any(place.installed for place, _ in found)
    sightings = (sighting_of(place.path, frame) for place, frame in found if place.installed == installed and place.path in index.paths)
    return date_sightings(distribution, index, (each for each in sightings if each is not None), installed=installed)


def sighting_of(path: str, frame: Frame) -> Sighting | None:
    """The frame in the index's terms; None for one that says nothing: no line, or nothing to compare there."""
    if frame.line is None:
        return None
    text = plain_text(frame.code or "")
    code = line_hash(text) if text else None
    function = frame.function if frame.function is None or frame.function == "<module>" else frame.function.rpartition(".")[2]
    if function is None or (function.startswith("<") and function != "<module>"):
        return Sighting(path, frame.line, None, code, len(text) >= START_CHARACTERS) if code is not None else None
    if function == "<module>" and code is None:
        return None
    return Sighting(path, frame.line, plain_text(function), code, len(text) >= START_CHARACTERS)


def date_sightings(distribution: str, index: Index, sightings: Iterable[Sighting], *, installed: bool = True) -> Dating:
    """The dating of a distribution by what was seen of its files, all of them among `index.paths`."""
    seen = list(itertools.islice(dict.fromkeys(sightings), _MAX_SIGHTINGS))
    if not seen:
        return Dating(distribution, "not covered", (), (), 0, 0, 0, installed, f"{distribution}: no frame that tells releases apart")
    by_release = list(zip(*(_verdicts(index, each) for each in seen), strict=True))
    possible = [number for number, verdicts in enumerate(by_release) if min(verdicts) >= _Verdict.POSSIBLE]
    if not possible:
        return _modified(distribution, index, seen, by_release, installed)
    lines = max(by_release[number].count(_Verdict.SAME_TEXT) for number in possible)
    candidates = tuple(index.releases[number] for number in possible if by_release[number].count(_Verdict.SAME_TEXT) == lines)
    text = dated_text(candidates, index.releases, len(seen), lines, installed=installed)
    return Dating(distribution, "dated", candidates, (), len(seen), len(seen), lines, installed, f"{distribution} {text}")


def _modified(distribution: str, index: Index, seen: Sequence[Sighting], by_release: Sequence[Sequence[_Verdict]], installed: bool) -> Dating:
    """The dating where no release has all the frames: nearest are those that have most, then those whose text stands least far off."""
    shifts = zip(*(_shifts(index, each) for each in seen), strict=True)
    ranks = [
        (
            sum(each >= _Verdict.POSSIBLE for each in verdicts),
            verdicts.count(_Verdict.SAME_TEXT),
            -sum(shift),
            sum(each >= _Verdict.OTHER_TEXT for each in verdicts),
        )
        for verdicts, shift in zip(by_release, shifts, strict=True)
    ]
    best = max(ranks)
    agreeing, lines, shift, spanning = best
    is_near = agreeing or spanning or -shift < _FAR_LINES * len(seen)
    nearest = tuple(release for release, rank in zip(index.releases, ranks, strict=True) if rank == best) if is_near else ()
    text = modified_text(nearest, index.releases, len(seen), agreeing)
    return Dating(distribution, "modified", (), nearest, len(seen), agreeing, lines, installed, f"{distribution}: {text}")


def _shifts(index: Index, sighting: Sighting) -> list[int]:
    """How many lines from where it was seen each release has the text; `_FAR_LINES` when not near."""
    history = index.history(sighting.path)
    of_state = [_shift(state, sighting) for state in history.states]
    return [_FAR_LINES if state is None else of_state[state] for state in history.by_release]


def _shift(state: FileState, sighting: Sighting) -> int:
    first = max(sighting.line - _FAR_LINES, 1)
    there = state.hashes[first - 1 : sighting.line + _FAR_LINES - 1]
    shifts = (abs(first + place - sighting.line) for place, code in enumerate(there) if code == sighting.code)
    return min(shifts, default=_FAR_LINES)


def _verdicts(index: Index, sighting: Sighting) -> list[_Verdict]:
    """What each release says about a sighting."""
    history = index.history(sighting.path)
    of_state = [_verdict(state, sighting) for state in history.states]
    return [_Verdict.ELSEWHERE if state is None else of_state[state] for state in history.by_release]


def _verdict(state: FileState, sighting: Sighting) -> _Verdict:
    there = state.hash_at(sighting.line)
    if there is None:
        return _Verdict.ELSEWHERE
    if not _spans(state, sighting):
        # The whole of a long line in its place is no accident: the function's name was misread, or given by a decorator.
        return _Verdict.POSSIBLE if sighting.is_long and sighting.code == there else _Verdict.ELSEWHERE
    if sighting.code is None:
        return _Verdict.POSSIBLE
    if sighting.code == there:
        return _Verdict.SAME_TEXT
    return _Verdict.POSSIBLE if sighting.is_long and sighting.code >> 8 == there >> 8 else _Verdict.OTHER_TEXT


def _spans(state: FileState, sighting: Sighting) -> bool:
    if sighting.function is None:
        return True
    function = state.function_at(sighting.line)
    return sighting.function == ("<module>" if function is None else plain_text(function))
