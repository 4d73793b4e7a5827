"""Frames that the indexes themselves hold are dated to the release they come from. At scale, with source text: tools/fingerprints.py --self-test."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from doctor.dating.fingerprints import Index, covered_distributions, index_of, plain_text
from doctor.dating.inference import Sighting, date_sightings

FILES = 30
"""Of each distribution: reading all of them takes longer than a test should."""


def sightings_of(index: Index, release: int, paths: list[str], chosen: random.Random) -> Iterator[Sighting]:
    """One in each of the files that the release has, with its text or without."""
    for path in paths:
        history = index.history(path)
        number = history.by_release[release]
        if number is None:
            continue
        state = history.states[number]
        line = chosen.randrange(1, len(state.hashes) + 1)
        name = state.function_at(line)
        if name is not None:
            yield Sighting(path, line, plain_text(name), state.hash_at(line) if chosen.random() < 0.7 else None)


@pytest.mark.parametrize("distribution", sorted(covered_distributions()))
def test_every_release_is_among_its_own_candidates(distribution: str) -> None:
    index = index_of(distribution)
    chosen = random.Random(distribution)
    paths = chosen.sample(sorted(index.paths), min(FILES, len(index.paths)))
    dated = 0
    for number, release in enumerate(index.releases):
        for frames in (1, 3, 5):
            sightings = list(itertools.islice(sightings_of(index, number, chosen.sample(paths, len(paths)), chosen), frames))
            dating = date_sightings(distribution, index, sightings)
            assert dating.status == ("dated" if sightings else "not covered")
            assert not sightings or release in dating.candidates
            dated += bool(sightings)
    assert dated
