"""The document of `doctor fix`, as a type: its JSON Schema is generated from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from doctor.facts.frozen import Frozen, field, replace
from doctor.facts.observation import Verdict
from doctor.fix.manifests import Managed, Pin
from doctor.fix.mending import ByHand
from doctor.fix.resolving import Step
from doctor.reports.document import SchemaVersion
from doctor.reports.redact import Redactor

Outcome = Literal[
    "nothing-to-do", "no-cure", "planned", "unverified", "refused", "managed", "unfinished", "declined", "cured", "put-back", "undone", "not-undone"
]
"""`planned`: it would work, and nothing was changed; `unverified`: no index answered, so it is what the matrix says alone, and nothing was changed;
`managed`: a project manager or a file of the project rules the environment, and is to be changed; `unfinished`: an earlier fix was cut short and is
to be finished or undone first; `cured`: done and proved; `put-back`: done, not proved or failed, and everything is as it was."""
EXIT_CODES: Mapping[Outcome, int] = {
    "nothing-to-do": 0,
    "no-cure": 1,
    "planned": 1,
    "unverified": 2,
    "refused": 2,
    "managed": 2,
    "unfinished": 2,
    "declined": 1,
    "cured": 0,
    "put-back": 2,
    "undone": 0,
    "not-undone": 2,
}


class Treated(Frozen):
    """One finding that was to be cured."""

    id: str
    """Of its advisory."""
    title: str
    """What is wrong, in one line."""
    before: Verdict | None
    """What its reproducer saw before; None where it has none, or none could be run."""
    after: Verdict | None
    """What its reproducer saw after the change; None where none was made, it has none, or none could be run."""
    cured: bool | None
    """Whether it holds no more; None where nothing was changed."""
    planned: bool
    """Whether the change is to cure it."""
    remedy: str
    """What to do about it otherwise."""


class FixReport(Frozen):
    """`doctor fix --format json`."""

    schema_version: SchemaVersion
    """Raised when a name or meaning changes; new keys do not raise it."""
    document: Literal["fix"]
    """Which document this is."""
    doctor_version: str
    """The release of doctor that made it."""
    matrix_version: str
    """Of the matrix it went by."""
    matrix_source: str
    """Where that comes from: `built in`, `updated from` an address or file, or the files named with `--matrix`."""
    executable: str
    """The interpreter of the environment."""
    prefix: str
    """The folder of the environment."""
    chosen_because: str
    """Why this environment and not another."""
    outcome: Outcome
    """What came of it."""
    sentence: str
    """The same for people."""
    exit_code: int
    """With which the command ended."""
    targets: tuple[Treated, ...] = ()
    """The findings that it was about."""
    by_hand: tuple[ByHand, ...] = ()
    """Faults of the installation: what to do about them. No change of releases cures them."""
    steps: tuple[Step, ...] = ()
    """What is, or was, to be installed; empty where nothing is."""
    stays: Mapping[str, str] = field(default_factory=dict)
    """What loads models and is left as it is, by name."""
    brings: tuple[str, ...] = ()
    """Ids of what did not hold, and does with the change: it bites only what uses it."""
    command: str | None = None
    """Makes the change, for a POSIX shell: what doctor runs, or what is to be run instead; None where there is no change."""
    obstacles: tuple[str, ...] = ()
    """Why what would have been nearer cannot be had, and who stands in the way."""
    unreachable: str | None = None
    """What the installer said where no index answered; None where one did, or none was asked."""
    managed: Managed | None = None
    """What rules the environment; None where pip and uv may change it."""
    pins: tuple[Pin, ...] = ()
    """What files of the project say against the change."""
    written: tuple[str, ...] = ()
    """Files of the project that were changed."""
    complaints_before: tuple[str, ...] = ()
    """What `pip check` said before: what is broken already stays so."""
    faults: tuple[str, ...] = ()
    """What failed, or was worse after the change than before."""
    kept_in: str | None = None
    """Where what was there before is kept, for `doctor fix --undo`; None where nothing is."""
    kept_bytes: int | None = None
    """How much room only that takes; None where nothing is kept."""
    freeze_is_the_same: bool | None = None
    """Where everything was put back: whether `pip freeze` says byte for byte what it said before. None where it was not."""


def concluded(report: FixReport, outcome: Outcome, sentence: str, **more: Any) -> FixReport:
    """The report with what came of it; its exit code is of its outcome, but a cure leaves 1 where some of what was found is not cured."""
    report = replace(report, outcome=outcome, sentence=sentence, **more)
    left = outcome == "cured" and (bool(report.by_hand) or any(each.cured is False for each in report.targets))
    return replace(report, exit_code=1 if left else EXIT_CODES[outcome])


def masked(report: FixReport, redactor: Redactor) -> FixReport:
    """The report as the gate lets it pass."""
    return redactor.value(report)
