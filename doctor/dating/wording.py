"""What a dating says to people, in a line."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_RUNS = 3


def dated_text(candidates: Sequence[str], releases: Sequence[str], frames: int, lines: int, *, installed: bool) -> str:
    """`4.46.0 to 4.46.3 (3 frames, 2 source lines agree)`; `releases` are all that the index covers."""
    agreement = f", {lines} source line{'s agree' if lines > 1 else ' agrees'}" if lines else ""
    doubt = "" if installed else "; a checkout or a copy, not an installed package, so perhaps none of them"
    return f"{releases_text(candidates, releases)} ({_frames(frames)}{agreement}){doubt}"


def modified_text(nearest: Sequence[str], releases: Sequence[str], frames: int, agreeing: int) -> str:
    """`no release matches; nearest is 4.49.0 (2 of 3 frames): a development or modified build`."""
    build = "development or modified build"
    if not nearest:
        return f"no release from {releases[0]} to {releases[-1]} matches {_frames(frames)}: an older, newer, {build}"
    article = "an older, " if nearest[0] == releases[0] else "a newer, " if nearest[-1] == releases[-1] else "a "
    agreement = f"({agreeing} of {_frames(frames)})" if agreeing else f"(none of {_frames(frames)} whole)"
    return f"no release matches; nearest is {releases_text(nearest, releases)} {agreement}: {article}{build}"


def releases_text(versions: Sequence[str], releases: Sequence[str]) -> str:
    """By the runs they make among all releases: `4.45.0, 4.46.0 to 4.46.3`; of many runs only the ends."""
    places = {release: number for number, release in enumerate(releases)}
    runs: list[list[str]] = []
    for version in versions:
        if runs and places[version] == places[runs[-1][-1]] + 1:
            runs[-1].append(version)
        else:
            runs.append([version])
    if len(runs) > _MOST_RUNS:
        return f"one of {len(versions)} releases from {versions[0]} to {versions[-1]}"
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} {'to' if len(run) > 2 else 'or'} {run[-1]}" for run in runs)


def _frames(count: int) -> str:
    return f"{count} frame{'s' if count > 1 else ''}"
