"""Steps that several commands take between the command line and a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.commands import output
from doctor.errors import DoctorError

if TYPE_CHECKING:
    from doctor.facts.environment import Environment
    from doctor.facts.observation import Observation
    from doctor.knowledge.matrix import Matrix


def observe(
    environment: Environment,
    ids: Sequence[str],
    scripts: Mapping[str, Path],
    device: str,
    seconds: float | None,
    *,
    shape: str | None = None,
) -> tuple[Observation, ...]:
    """What the reproducers of these advisories see in the environment; nothing where torch cannot be imported.

    `seconds` is the limit of each (None: the usual one), `shape` the only one to be tried (None: all).
    """
    from doctor.reproduce import SECONDS, run_reproducers

    executable = environment.python.executable
    if not ids or not environment.torch.importable or executable is None:
        return ()
    with output.counted(len(ids), f"running {len(ids)} reproducers") as ended:
        observed = run_reproducers(executable, [scripts[each] for each in ids], device=device, seconds=seconds or SECONDS, shape=shape, ended=ended)
    return observed.observations


def stated_environment(name: str, matrix: Matrix) -> tuple[Environment, tuple[Observation, ...]]:
    """The environment that a file (`-`: standard input) states, and what reproducers saw there.

    Raises `DoctorError` when it cannot be read, or states none.
    """
    import contextlib
    import sys

    from doctor.readers.environments import CAN_BE_READ, environment_of
    from doctor.readers.lines import decoded_lines
    from doctor.readers.texts import read_text

    if name == "-" and sys.stdin is None:
        raise DoctorError("--from -: standard input is closed: name a file")
    title = "standard input" if name == "-" else name
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as stream:
            reading, failures = read_text(decoded_lines(stream), title, tuple(matrix.packages))
    except OSError as error:
        raise DoctorError(f"{title}: cannot be read: {error.strerror}") from None
    environment = environment_of(reading, tuple(matrix.packages))
    frames = [frame for failure in failures for frame in failure.frames]
    if frames and reading.attached is None:  # only then: the indexes and what reads them are a tenth of the time this takes
        from doctor.dating import date_frames
        from doctor.dating.versions import with_dated_versions

        environment = with_dated_versions(environment, date_frames(frames), matrix.packages)
    if not reading.recognised and not environment.packages:
        raise DoctorError(f"{title}: no environment found in it; what can be read: {CAN_BE_READ}, or a traceback with its line numbers")
    return environment, reading.observations


def stated_in_folder(folder: str, matrix: Matrix) -> tuple[Environment, tuple[Observation, ...]]:
    """The environment that a project's folder states: of its files the surest that names a version, which is said with those left aside.

    Raises `DoctorError` when the folder cannot be listed, or none of its files states one.
    """
    from doctor.readers.repository import stating_files

    try:
        files = stating_files(folder)
    except OSError as error:
        raise DoctorError(f"{folder}: cannot be read: {error.strerror}") from None
    broken = []
    for file in files:
        try:
            environment, observations = stated_environment(file, matrix)
        except DoctorError as error:
            broken.append(error)
            continue
        if any(each.version is not None for each in environment.packages.values()):
            for each in broken:
                output.complain(str(each))
            others = [each for each in files if each != file]
            if others:
                output.complain(f"{file} is read, and not {', '.join(others[:5])}{', ...' if len(others) > 5 else ''}: --from takes one by its name")
            return environment, observations
    if broken:
        raise broken[0]
    looked = "a lock file, requirements.txt, environment.yml, pyproject.toml or Dockerfile"
    raise DoctorError(f"{folder}: {looked} that states a version of what doctor knows is not in it; an environment's folder goes to --python")
