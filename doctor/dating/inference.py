"""From frames to releases: a release stays in only while every frame can come from its files."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from doctor.dating.fingerprints import START_CHARACTERS, FileState, Index, index_of, line_hash, plain_text
from doctor.dating.places import Place, place_of
from doctor.symptom import Frame

Status = Literal["dated", "modified", "not covered"]
_MAX_SIGHTINGS = 100
"""Of one distribution; a recursion shows the same few again and again, and these count once."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A frame in the terms of an index."""

    path: str
    line: int
    function: str | None
    """As `plain_text` leaves it, `<module>` at the top level; None where any function will do: lambdas and comprehensions are not indexed."""
    code: int | None = None
    """The hash of the source line; None when the frame shows none."""
    may_be_cut: bool = False
    """The source line is long enough to be recognised by its start."""


@dataclass(frozen=True, slots=True)
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
    releases: tuple[str, ...]
    """Every release that the index covers, oldest first."""

    @property
    def exact(self) -> bool:
        """Whether one release of an installed distribution is left."""
        return self.status == "dated" and self.installed and len(self.candidates) == 1

    @property
    def summary(self) -> str:
        """One line for people: `transformers 4.46.0 to 4.46.3 (3 frames, 2 source lines agree)`."""
        if self.status == "not covered":
            return f"{self.distribution}: no frame that tells releases apart"
        if self.status == "dated":
            doubt = "" if self.installed else "; not where packages are installed: a checkout or a copy, perhaps of another state"
            return f"{self.distribution} {spans_of(self.candidates, self.releases)} ({self._evidence()}){doubt}"
        if not self.nearest:
            return f"{self.distribution}: no release has {_frames(self.frames)}: {self._unknown_build()}"
        nearest = spans_of(self.nearest, self.releases)
        return f"{self.distribution}: no release matches; nearest is {nearest} ({self.agreeing} of {_frames(self.frames)}): {self._unknown_build()}"

    def _evidence(self) -> str:
        lines = f"{self.lines} source line{'s agree' if self.lines > 1 else ' agrees'}"
        return f"{_frames(self.frames)}, {lines}" if self.lines else _frames(self.frames)

    def _unknown_build(self) -> str:
        older = "an older, " if not self.nearest or self.nearest[0] == self.releases[0] else ""
        newer = "a newer, " if not self.nearest or self.nearest[-1] == self.releases[-1] else ""
        return f"{older}{newer}{'' if older or newer else 'a '}development or modified build"


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
        return Dating(distribution, "not covered", (), (), 0, 0, 0, installed, index.releases)
    by_release = list(zip(*(_verdicts(index, each) for each in seen), strict=True))
    possible = [number for number, verdicts in enumerate(by_release) if min(verdicts) >= _Verdict.POSSIBLE]
    ranks = [_rank(verdicts) for verdicts in by_release]
    best = max((ranks[number] for number in possible), default=None)
    if best is not None:
        candidates = tuple(index.releases[number] for number in possible if ranks[number] == best)
        return Dating(distribution, "dated", candidates, (), len(seen), best[0], best[1], installed, index.releases)
    best = max(ranks)
    nearest = tuple(release for release, rank in zip(index.releases, ranks, strict=True) if rank == best) if any(best) else ()
    return Dating(distribution, "modified", (), nearest, len(seen), best[0], best[1], installed, index.releases)


def _rank(verdicts: Sequence[_Verdict]) -> tuple[int, int, int]:
    """How well a release does: the frames it can have, the lines that agree, the functions that span theirs."""
    possible = sum(each >= _Verdict.POSSIBLE for each in verdicts)
    return possible, verdicts.count(_Verdict.SAME_TEXT), sum(each >= _Verdict.OTHER_TEXT for each in verdicts)


def _verdicts(index: Index, sighting: Sighting) -> list[_Verdict]:
    """What each release says about a sighting."""
    history = index.history(sighting.path)
    of_state = [_verdict(state, sighting) for state in history.states]
    return [_Verdict.ELSEWHERE if state is None else of_state[state] for state in history.by_release]


def _verdict(state: FileState, sighting: Sighting) -> _Verdict:
    there = state.hash_at(sighting.line)
    if there is None or not _spans(state, sighting):
        return _Verdict.ELSEWHERE
    if sighting.code is None:
        return _Verdict.POSSIBLE
    if sighting.code == there:
        return _Verdict.SAME_TEXT
    return _Verdict.POSSIBLE if sighting.may_be_cut and sighting.code >> 8 == there >> 8 else _Verdict.OTHER_TEXT


def _spans(state: FileState, sighting: Sighting) -> bool:
    if sighting.function is None:
        return True
    function = state.function_at(sighting.line)
    return sighting.function == ("<module>" if function is None else plain_text(function))


def spans_of(versions: Sequence[str], releases: Sequence[str]) -> str:
    """Versions for people, by the runs they make among all releases: `4.45.0, 4.46.0 to 4.46.3`; many runs only by their ends."""
    places = {release: number for number, release in enumerate(releases)}
    runs: list[list[str]] = []
    for version in versions:
        if runs and places[version] == places[runs[-1][-1]] + 1:
            runs[-1].append(version)
        else:
            runs.append([version])
    if len(runs) > 3:
        return f"one of {len(versions)} releases from {versions[0]} to {versions[-1]}"
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} {'to' if len(run) > 2 else 'or'} {run[-1]}" for run in runs)


def _frames(count: int) -> str:
    return f"{count} frame{'s' if count > 1 else ''}"
