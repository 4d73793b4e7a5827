"""The Python API: what the command does, as two functions."""

from __future__ import annotations

from doctor import probe
from doctor.diagnosis import diagnosis
from doctor.diagnosis.diagnosis import Diagnosis
from doctor.diagnosis.finding import EVERYTHING, Narrowing
from doctor.diagnosis.policy import CONCERN_COUNTS, Policy
from doctor.facts.environment import Environment
from doctor.facts.program import Program
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import load_matrix
from doctor.knowledge.releases import known_releases


def examine(
    python: str | None = None, *, matrix: Matrix | None = None, live: bool = True, timeout: float = probe.TORCH_TIMEOUT_SECONDS
) -> Environment:
    """Examine an environment: the one at `python`, or the one the user means (see README, "Which environment?") when it is None.

    `matrix` says which packages to look for (None: the built-in one). With `live=False` nothing of the patient's is run, and what
    torch would answer stays unknown. `timeout` is torch's, in seconds. Raises `DoctorError` when there is no interpreter there.
    """
    return probe.examine(python, probe.Interest.of(matrix or load_matrix()), live=live, timeout=timeout)


def diagnose(
    environment: Environment,
    matrix: Matrix | None = None,
    *,
    narrowing: Narrowing = EVERYTHING,
    policy: Policy = CONCERN_COUNTS,
    program: Program | None = None,
) -> Diagnosis:
    """What of `matrix` (None: doctor's own) holds in `environment`, whom it concerns, and the upgrade for what counts by `policy`.

    `program` is what `read_programs` found; None: no program is shown, and what bites only those who use it is an exposure.
    """
    known = matrix or load_matrix()
    return diagnosis.diagnose(environment, known, known_releases(known), narrowing, policy=policy, program=program)


def read_programs(*names: str) -> Program:
    """What the programs in these files and folders do with models: read, never run. Raises `DoctorError` for a name that is not there."""
    from doctor.hazards.scan import scan

    return scan(names)
