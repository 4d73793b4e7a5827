"""Reproducers: one script per advisory that fails because of it and only of it; finding them, and running them in a patient."""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from doctor.errors import DoctorError
from doctor.facts.observation import Observation, ShapeObservation, Verdict, in_all_shapes
from doctor.knowledge import schema
from doctor.probe.child import Child, Outcome
from doctor.probe.temporary import temporary_folder

FOLDER = Path(__file__).resolve().parent
SECONDS = 120.0
"""How long one reproducer may take."""
MEMORY_BYTES = 4 * 1024**3
_IMPORT_SECONDS = 120.0
_RUNNER = FOLDER / "_run.py"


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
    shape: str
    verdict: Verdict
    detail: str


def reproducers(folder: Path = FOLDER) -> dict[str, Path]:
    """The scripts in `folder`, by the id of their advisory."""
    return {path.name.partition("_")[0].upper(): path for path in sorted(folder.glob("mt[0-9]*_*.py"))}


def shapes(script: Path) -> dict[str, str]:
    """What the shapes of a reproducer are, by name; empty for one that has a single shape. Read, not run: it is the patient that runs it."""
    for statement in ast.parse(script.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "SHAPES":
            found: dict[str, str] = ast.literal_eval(statement.value)
            return found
    return {}


def digest(script: Path) -> str:
    """Changes when the script or a script beside it that it imports changes: what was run before then is no evidence any more."""
    found = hashlib.sha256()
    for path in _with_imported(script, set()):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _with_imported(script: Path, seen: set[Path]) -> Iterator[Path]:
    """`script` and what it imports of the scripts beside it, in functions too, whatever they are called."""
    if script in seen or not script.is_file():
        return
    seen.add(script)
    yield script
    for name in _imported(script.read_bytes()):
        yield from _with_imported(script.with_name(f"{name}.py"), seen)


@functools.cache
def _imported(source: bytes) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return tuple(names)


def run_reproducers(
    python: str,
    scripts: Sequence[Path],
    *,
    jobs: int = 1,
    device: str = "cpu",
    seconds: float = SECONDS,
    shape: str | None = None,
    ended: Callable[[int], None] = lambda _: None,
) -> Observed:
    """Run `scripts` with the interpreter `python`, `jobs` at a time, each for `seconds` at most, in a folder that is removed after.

    Each runs in all its shapes, or only in that named `shape` where it has one of that name.
    Without scripts, it is only seen what can be imported. `ended(n)` is called now and then with how many have ended.
    Raises `DoctorError` when the interpreter cannot be started.
    """
    parts = [(script, name) for script in scripts for name in _wanted(script, shape)]
    with temporary_folder("reproducers run in") as folder:
        options = {"folder": folder, "seconds": seconds, "bytes": MEMORY_BYTES, "jobs": jobs, "device": device}
        command = [python, "-B", str(_RUNNER), json.dumps(options), *(f"{script}::{name}" if name else str(script) for script, name in parts)]
        limit = _IMPORT_SECONDS + seconds * len(parts)
        try:
            with Child(command, limit) as child:
                outcome = child.wait(lambda: ended(sum(1 for _ in Path(folder).glob("*.answer")) * len(scripts) // max(len(parts), 1)))
        except OSError as error:
            raise DoctorError(f"{python} cannot be run: {error.strerror or error}") from None
    return _observed(outcome, parts)


def _wanted(script: Path, shape: str | None) -> Sequence[str]:
    names = list(shapes(script))
    return [shape] if shape in names else names or [""]


def _observed(outcome: Outcome, parts: Sequence[tuple[Path, str]]) -> Observed:
    """What was said, and `broken` for every script about which nothing was."""
    imports: dict[str, str | None] = {}
    errors: dict[str, str] = {}
    said: dict[tuple[str, str], ShapeObservation] = {}
    for line in outcome.stdout.decode("utf-8", "replace").splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            data = json.loads(line)
            if isinstance(data, dict) and isinstance(data.get("package"), str):
                imports[data["package"]] = data["version"] if isinstance(data.get("version"), str) else None
                if isinstance(data.get("error"), str):
                    errors[data["package"]] = data["error"]
            elif not any(schema.mismatches(_Said, data)):
                said[data["script"], data["shape"]] = ShapeObservation(data["shape"], data["verdict"], data["detail"])
    why = "the time was up before it" if outcome.timed_out else f"the runner ended with {outcome.ending} before it"
    by_script: dict[Path, list[ShapeObservation]] = {}
    for script, shape in parts:
        by_script.setdefault(script, []).append(said.get((script.name, shape)) or ShapeObservation(shape, "broken", why))
    return Observed(imports, errors, tuple(_observation(script, tuple(seen)) for script, seen in by_script.items()))


def _observation(script: Path, seen: tuple[ShapeObservation, ...]) -> Observation:
    advisory_id = script.name.partition("_")[0].upper()
    if seen[0].shape:
        return in_all_shapes(advisory_id, seen)
    return Observation(advisory_id, seen[0].verdict, seen[0].detail)
