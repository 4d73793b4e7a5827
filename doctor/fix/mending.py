"""What is wrong with how packages were installed, and by which command that is mended by hand. Pure.

Doctor does not mend it: where the list of a package's files is missing or untrue, nothing can promise to put back what was there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from doctor.diagnosis.finding import Finding
from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen
from doctor.fix.installer import Installer
from doctor.upgrade.command import for_posix_shell

_UNTRUE_RECORDS = ("duplicate-metadata", "unreadable-metadata", "missing-metadata", "half-uninstalled", "version-mismatch")
"""Faults for which a package is to be installed again, once what they name is removed."""


class ByHand(Frozen):
    """A fault of the installation, which is left to the user."""

    id: str
    """Of the fault (`IN004`)."""
    title: str
    """What is wrong, in one line."""
    package: str
    """The distribution that has it."""
    seen: str
    """What was seen, and where."""
    remedy: str
    """What to do about it."""
    command: str | None
    """Installs the package again, for a POSIX shell; None where that is not the remedy, or the release or an installer is not known."""
    reference: str
    """Where that is explained."""


def by_hand(findings: Iterable[Finding], environment: Environment, installer: Installer | None) -> tuple[ByHand, ...]:
    """The faults of the installation among the findings; `installer` is None where none can be had."""
    return tuple(
        ByHand(each.id, each.title, each.package, each.trigger, each.remedy, _command(each, environment, installer), each.references[0])
        for each in findings
        if each.kind == "installation"
    )


def hindering(findings: Iterable[Finding], packages: Collection[str]) -> tuple[Finding, ...]:
    """What has to be mended before these packages can be changed: of what they have nobody could say what to keep."""
    return tuple(each for each in findings if each.package in packages and each.slug in _UNTRUE_RECORDS)


def _command(finding: Finding, environment: Environment, installer: Installer | None) -> str | None:
    found = environment.packages.get(finding.package)
    version = finding.installed or (found.version if found is not None else None)
    from_index = found is None or found.origin == "index"
    if installer is None or finding.slug not in _UNTRUE_RECORDS or version is None or not from_index:
        return None
    return for_posix_shell(installer.again_command(f"{finding.package}=={version}"))
