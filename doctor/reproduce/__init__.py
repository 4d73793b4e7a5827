"""Reproducers: one script per advisory that fails because of it and only of it; finding them, and running them in a patient."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doctor.errors import DoctorError
from doctor.facts.observation import Observation, Verdict
from doctor.knowledge import schema
from doctor.probe.child import Child, Outcome

FOLDER = Path(__file__).resolve().parent
SECONDS = 120.0
"""How long one reproducer may take."""
MEMORY_BYTES = 4 * 1024**3
_IMPORT_SECONDS = 120.0
_RUNNER = FOLDER / "_run.py"
_SHARED = re.compile(r"^(?:import|from) (_\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Observed:
    """What the reproducers run in one environment saw."""

    imports: Mapping[str, str | None]
    """By package, the version the patient imported; None when it could not be imported."""
    import_errors: Mapping[str, str]
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    script: str
    verdict: Verdict
    detail: str


def reproducers(folder: Path = FOLDER) -> dict[str, Path]:
    """The scripts in `folder`, by the id of their advisory."""
    return {path.name.partition("_")[0].upper(): path for path in sorted(folder.glob("mt[0-9]*_*.py"))}


def digest(script: Path) -> str:
    """Changes when the script or a helper it imports changes: what was run before then is no evidence any more."""
    found = hashlib.sha256()
    for path in _with_helpers(script, set()):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _with_helpers(script: Path, seen: set[Path]) -> Iterator[Path]:
    if script in seen:
        return
    seen.add(script)
    yield script
    for name in _SHARED.findall(script.read_text("utf-8")):
        helper = script.with_name(f"{name}.py")
        if helper.is_file():
            yield from _with_helpers(helper, seen)


def run_reproducers(
    python: str,
    scripts: Sequence[Path],
    *,
    jobs: int = 1,
    device: str = "cpu",
    seconds: float = SECONDS,
    ended: Callable[[int], None] = lambda _: None,
) -> Observed:
    """Run `scripts` with the interpreter `python`, `jobs` at a time, each for `seconds` at most, in a folder that is removed after.

    `ended(n)` is called now and then with how many have ended. Raises `DoctorError` when the interpreter cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="doctor-", ignore_cleanup_errors=True) as folder:
        options = {"folder": folder, "seconds": seconds, "bytes": MEMORY_BYTES, "jobs": jobs, "device": device}
        command = [python, "-B", str(_RUNNER), json.dumps(options), *map(str, scripts)]
        limit = _IMPORT_SECONDS + seconds * len(scripts)
        try:
            with Child(command, limit) as child:
                outcome = child.wait(lambda: ended(sum(1 for _ in Path(folder).glob("*.answer"))))
        except OSError as error:
            raise DoctorError(f"{python} cannot be run: {error.strerror or error}") from None
    return _observed(outcome, scripts)


def _observed(outcome: Outcome, scripts: Sequence[Path]) -> Observed:
    """What was said, and `broken` for every script about which nothing was."""
    imports: dict[str, str | None] = {}
    errors: dict[str, str] = {}
    said: dict[str, Observation] = {}
    for line in outcome.stdout.decode("utf-8", "replace").splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            data = json.loads(line)
            if isinstance(data, dict) and isinstance(data.get("package"), str):
                imports[data["package"]] = data["version"] if isinstance(data.get("version"), str) else None
                if isinstance(data.get("error"), str):
                    errors[data["package"]] = data["error"]
            elif (observation := _observation(data)) is not None:
                said[observation.id] = observation
    why = "the time was up before it" if outcome.timed_out else f"the runner ended with {outcome.ending} before it"
    ids = [script.name.partition("_")[0].upper() for script in scripts]
    return Observed(imports, errors, tuple(said.get(each) or Observation(each, "broken", why) for each in ids))


def _observation(data: Any) -> Observation | None:
    if any(schema.mismatches(_Said, data)):
        return None
    return Observation(data["script"].partition("_")[0].upper(), data["verdict"], data["detail"])
