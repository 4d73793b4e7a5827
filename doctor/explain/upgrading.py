"""Whether an upgrade helps, and in which words: built from what is known of the releases, and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from doctor.diagnosis.remedy import NO_UPGRADE_CURES
from doctor.facts.environment import Environment
from doctor.knowledge.matching import Match, holding, match
from doctor.knowledge.matrix import Advisory, Matrix
from doctor.knowledge.releases import Releases
from doctor.upgrade.plan import Change, plan_upgrade


def match_of(advisory: Advisory, environment: Environment) -> Match | None:
    """Whether the advisory can hold where the failure happened: what had to be there for it, and a text does not say, was there."""
    packages = tuple(each for each in advisory.when.packages if each.ranges is not None or environment.installed(each.package) is not None)
    return match(replace(advisory, when=replace(advisory.when, environment={}, packages=packages)), environment)


def always_holds(advisory: Advisory) -> bool:
    """Whether no release is without it, so that a version says nothing."""
    return all(each.holds_every_version for affected in advisory.affected for each in affected.ranges)


def version_reason(advisory: Advisory | None, found: Match | None, environment: Environment) -> tuple[str, ...]:
    """What the versions say for an advisory, when they say anything."""
    if advisory is None or found is None or always_holds(advisory):
        return ()
    if found.missing:
        return (f"{advisory.id} would need to know: {'; '.join(found.missing)}",)
    distribution = environment.packages[found.package]
    if distribution.version is not None:
        return (f"{found.package} {distribution.version} is among the releases that have {advisory.id}",)
    return (f"{found.package} is {distribution.shown_version}, all of which have {advisory.id}",) if distribution.candidates else ()


def recommended_upgrade(
    advisory: Advisory | None, found: Match | None, environment: Environment, matrix: Matrix, releases: Releases
) -> Change | None:
    """The release to go to; None where none helps, or too little is known to be sure that one does."""
    if advisory is None or found is None or found.missing or advisory.kind in NO_UPGRADE_CURES:
        return None
    held = holding(environment, matrix) | {advisory.id}
    plan = plan_upgrade(environment, matrix, releases, held, [advisory.id])
    return next((change for change in plan.changes if advisory.id in change.clears), None)


def upgrading(kind: str, advisory: Advisory | None, found: Match | None, upgrade: Change | None, environment: Environment, *, sure: bool) -> str:
    """Whether an upgrade helps, in a sentence or two."""
    if upgrade is not None:
        return f"Upgrade {upgrade.package} from {upgrade.from_} to {upgrade.to}."
    if (advisory.kind if advisory is not None else kind) in NO_UPGRADE_CURES:
        return "No release cures this."
    if advisory is None:
        return (
            "It may help: which known problem this is cannot be told, and so no release can be named." if sure else "Not known before the cause is."
        )
    if found is not None and found.installed is not None and not found.missing:
        return _from_installed(advisory, found)
    return _without_version(advisory, environment)


def _from_installed(advisory: Advisory, found: Match) -> str:
    if found.fixed_in is None:
        return f"No release of {found.package} fixes {advisory.id} yet."
    return f"{advisory.id} is fixed in {found.package} {found.fixed_in}; run `doctor` where it failed to see which release can be gone to."


def _without_version(advisory: Advisory, environment: Environment) -> str:
    """Where the version is not known, or not for sure."""
    if any(affected.ranges[-1].fixed is None for affected in advisory.affected):
        names = _joined([affected.package for affected in advisory.affected if affected.ranges[-1].fixed is None])
        return f"The newest release of {names} still has {advisory.id}."
    fixed = _joined([f"{each.package} {each.ranges[-1].fixed}" for each in advisory.affected])
    unstated = [each.package for each in advisory.affected if not _is_known(each.package, environment)]
    asked = f"; which {_joined(unstated)} ran is not known" if unstated else ""
    return f"{advisory.id} is fixed in {fixed}{asked}."


def _is_known(package: str, environment: Environment) -> bool:
    distribution = environment.packages.get(package)
    return distribution is not None and distribution.shown_version is not None


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
