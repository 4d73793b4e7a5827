"""What counts: which findings make a check fail. For a gate in CI, this is the whole of its settings."""

from __future__ import annotations

from doctor.diagnosis.finding import CONCERNS, Concern, Finding, Waiver
from doctor.facts.frozen import Frozen


class Known(Frozen):
    """A finding that was there when a baseline was written."""

    id: str
    """Of the advisory or fault."""
    package: str
    """The distribution it lives in."""
    concerns: Concern
    """Whom it concerned then: one that has come closer since is new."""


class Policy(Frozen):
    """What counts beside what concerns the environment or the program."""

    strict: bool = False
    """Everything that was found counts, exposures too."""
    ignored: tuple[str, ...] = ()
    """Ids that never count."""
    baseline: tuple[Known, ...] = ()
    """What was known before, and counts no more."""

    def waiver(self, finding: Finding) -> Waiver | None:
        """Why a finding is not to count; None when nothing is said of it."""
        if finding.id in self.ignored:
            return "ignored"
        known = any((each.id, each.package) == (finding.id, finding.package) and _no_closer(finding, each) for each in self.baseline)
        return "baseline" if known else None

    def concerns(self, finding: Finding) -> bool:
        """Whether a finding makes the check fail, unless it is waived."""
        return finding.status != "cleared" and (self.strict or finding.concerns_somebody)

    def counts(self, finding: Finding) -> bool:
        """Whether a finding makes the check fail."""
        return finding.waived is None and self.concerns(finding)


def _no_closer(finding: Finding, known: Known) -> bool:
    return CONCERNS.index(finding.concerns) >= CONCERNS.index(known.concerns)


def known_findings(findings: tuple[Finding, ...]) -> tuple[Known, ...]:
    """What a baseline holds of findings."""
    return tuple(Known(each.id, each.package, each.concerns) for each in findings if each.status != "cleared")


CONCERN_COUNTS = Policy()
"""Only what concerns the environment or the program counts."""
