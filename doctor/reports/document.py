"""The report on an environment, as a type: its JSON Schema is generated from it. Names here are a public promise.

The other documents have modules of their own, beside this one: a document costs time to declare, and each command needs one or two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from doctor.diagnosis.diagnosis import Diagnosis
from doctor.diagnosis.finding import Finding
from doctor.diagnosis.summary import Summary, Verdict, summary_of, verdict_of
from doctor.explain.explanation import LikelyCause
from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen, replace
from doctor.facts.observation import Observation
from doctor.facts.program import Unread
from doctor.facts.seen import CheckpointSeen
from doctor.knowledge.matrix import Matrix
from doctor.knowledge.matrix_file import BUILT_IN
from doctor.reports.redact import Redactor
from doctor.upgrade.command import for_posix_shell, upgrade_command
from doctor.upgrade.plan import Alternative, Change, Plan
from doctor.version import __version__

SchemaVersion = Literal[2]
"""Raised when a name or meaning changes; new keys do not raise it."""


class MatrixSummary(Frozen):
    """Which matrix the environment was held against."""

    version: str
    """As the matrix file names itself."""
    advisories: int
    """How many it holds."""
    source: str | None = None
    """`built in`, `updated from` an address or file (`doctor matrix update`), or the files named with `--matrix`. None in what an earlier doctor
    wrote."""

    @property
    def told(self) -> str:
        """For people: the version, and where it comes from unless doctor brought it."""
        return self.version if self.source in (None, BUILT_IN) else f"{self.version} ({self.source})"


def summary_of_matrix(matrix: Matrix) -> MatrixSummary:
    """Which matrix something was held against."""
    return MatrixSummary(matrix.version, len(matrix.advisories), matrix.source)


class Upgrade(Frozen):
    """What to install, and what that leaves."""

    changes: tuple[Change, ...]
    """What to install, the nearest release that is recommended of each package; empty where nothing is."""
    command: str | None
    """Makes the changes, for a POSIX shell (cmd on Windows); None when there are none. In a masked report it is aimed at no interpreter."""
    remaining: tuple[str, ...]
    """Ids of findings that count and that no recommended upgrade clears."""
    alternatives: tuple[Alternative, ...]
    """Releases that were weighed and are not recommended."""
    exposures: Plan
    """What upgrades would do for the findings that concern nobody as far as is known: told, not recommended."""
    fix: str | None
    """The `doctor fix` command that makes and proves a change for what counts, which may be another than `changes`: an older release, or several
    packages at once. None where no change of releases would help, and for an environment that is not here."""


class ReadProgram(Frozen):
    """What was read of the program that was shown; where it sets findings off, they say."""

    files: int
    """How many files held code that was read."""
    lines: int
    """How many lines these have."""
    unread: tuple[Unread, ...]
    """What could not be read, and counts as unknown."""


class Report(Frozen):
    """`doctor check --format json`, `doctor confirm`'s and `doctor report`'s."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["report"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix: MatrixSummary
    verdict: Verdict
    """What came of it."""
    summary: Summary
    """How many findings there are of each kind."""
    environment: Environment
    findings: tuple[Finding, ...]
    """What concerns somebody first, and of that the worst."""
    upgrade: Upgrade
    observations: tuple[Observation, ...]
    """What the reproducers saw that were run: `doctor confirm`. Empty for `doctor check`."""
    exit_code: int
    """With which the command ended."""
    program: ReadProgram | None = None
    """What was read of the program that was shown; None when none was."""
    traceback: str | None = None
    """The text given with `doctor report --traceback`; None when none was."""
    causes: tuple[LikelyCause, ...] = ()
    """What the failure in that text may have been caused by, surest first, as `doctor explain` says it."""
    accelerate_config: Mapping[str, str] | None = None
    """accelerate's default configuration, for `doctor report`; None when it was not asked for, or there is none."""
    checkpoint: CheckpointSeen | None = None
    """What `doctor report --model` sees of that model on this machine; None when none was named."""


def report_on(
    diagnosis: Diagnosis,
    redactor: Redactor,
    traceback: str | None = None,
    accelerate_config: Mapping[str, str] | None = None,
    causes: tuple[LikelyCause, ...] = (),
    *,
    checkpoint: CheckpointSeen | None = None,
) -> Report:
    """The report on a diagnosis, masked by `redactor`. Installation faults stand in `remaining` as well."""
    placed = redactor.place(diagnosis.environment)
    command, fix = upgrade_command(diagnosis.plan.changes, placed), _fix_command(diagnosis, placed)
    diagnosis, traceback, accelerate_config, causes, checkpoint = redactor.value((diagnosis, traceback, accelerate_config, causes, checkpoint))
    plan, counted, program = diagnosis.plan, diagnosis.counted, diagnosis.program
    cleared = {each for change in plan.changes for each in change.clears}
    return Report(
        schema_version=2,
        document="report",
        doctor_version=__version__,
        matrix=MatrixSummary(diagnosis.matrix_version, diagnosis.advisories, diagnosis.matrix_source),
        verdict=verdict_of(diagnosis),
        summary=summary_of(diagnosis),
        environment=replace(diagnosis.environment, unknown=diagnosis.unknown),
        findings=diagnosis.findings,
        upgrade=Upgrade(
            changes=plan.changes,
            command=command,
            remaining=tuple(dict.fromkeys(each.id for each in counted if each.id not in cleared)),
            alternatives=plan.alternatives,
            exposures=diagnosis.outlook,
            fix=fix,
        ),
        observations=diagnosis.observations,
        exit_code=diagnosis.exit_code,
        program=ReadProgram(program.files, program.lines, program.unread) if program is not None else None,
        traceback=traceback,
        causes=causes,
        accelerate_config=accelerate_config,
        checkpoint=checkpoint,
    )


def _fix_command(diagnosis: Diagnosis, placed: Environment) -> str | None:
    """Names what is not of the environment itself: without the program that meets it, `doctor fix` would not go about it."""
    unfinished = any(each.slug == "unfinished-fix" for each in placed.faults)
    if placed.read_from is not None or not (diagnosis.fixable or unfinished):
        return None
    named = [each.id for each in diagnosis.findings if each.id in diagnosis.fixable]
    of_environment = all(each.concerns == "environment" for each in diagnosis.findings if each.id in diagnosis.fixable)
    only = [] if of_environment or unfinished else ["--only", *named]
    asked = placed.python.executable is not None and placed.python.chosen_because == "named with --python"
    return for_posix_shell(["doctor", "fix", *only, *(["--python", str(placed.python.executable)] if asked else [])])
