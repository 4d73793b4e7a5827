"""One advisory, or one fault of the installation, as it applies to one patient."""

from __future__ import annotations

from typing import Literal, get_args

from doctor.facts.frozen import Frozen
from doctor.facts.program import Place
from doctor.knowledge.matrix import Severity

Status = Literal["affected", "confirmed", "cleared", "possible"]
"""`confirmed` and `cleared` when its reproducer was run here, and failed or passed."""
Concern = Literal["environment", "program", "possible-use", "exposure"]
"""Whom a finding concerns: `environment`, whoever runs anything in it; `program`, the one that was shown, which does what sets it off;
`possible-use`, one of these two, if what `missing` says is so; `exposure`, nobody as far as is known: the versions have it, and nothing of what was
shown sets it off, or nothing was shown."""
CONCERNS: tuple[Concern, ...] = get_args(Concern)
SEVERITIES: tuple[Severity, ...] = ("silent", "error", "warning")
"""Worst first: a model that computes with wrong weights and says nothing is worse than one that fails."""
Waiver = Literal["ignored", "baseline"]
"""Why a finding does not count: `--ignore` names it, or it stands in the baseline."""


class Finding(Frozen):
    """One advisory, or one fault of the installation, as it applies here."""

    id: str
    """Of the advisory (`MT001`) or of the fault (`IN001`)."""
    slug: str
    """The same in words."""
    title: str
    """What is wrong, in one line."""
    kind: str
    """A kind of advisory, or `installation`."""
    severity: Severity
    """`silent`: wrong results without an error."""
    status: Status
    """How sure it is that the environment has it."""
    concerns: Concern
    """Whom it concerns."""
    package: str
    """The distribution it lives in."""
    installed: str | None
    """That distribution's version; None when it could not be had."""
    fixed_in: str | None
    """The release that ends the range the installed one lies in; None where no release does, and where no upgrade cures."""
    trigger: str
    """What sets it off."""
    remedy: str
    """What to do about it."""
    references: tuple[str, ...]
    """Where it was reported, discussed or fixed."""
    missing: tuple[str, ...] = ()
    """The facts it would take to be sure: of the environment for `possible`, of the program or its model for `possible-use`."""
    places: tuple[Place, ...] = ()
    """Where the program that was shown sets it off, or may; empty when none was shown."""
    observed: str | None = None
    """What its reproducer saw here; None when it was not run."""
    waived: Waiver | None = None
    """Why it does not count for the exit code although it would; None when nothing waives it."""

    @property
    def concerns_somebody(self) -> bool:
        """Whether it concerns the environment or the program, as far as is known."""
        return self.status != "cleared" and self.concerns in ("environment", "program")


class Narrowing(Frozen):
    """Which findings are asked for. An empty field asks for all."""

    packages: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()

    def admits(self, finding_id: str, package: str, severity: str) -> bool:
        """Whether a finding with these is asked for."""
        return (
            (not self.packages or package in self.packages)
            and (not self.ids or finding_id in self.ids)
            and (not self.severities or severity in self.severities)
        )


EVERYTHING = Narrowing()
