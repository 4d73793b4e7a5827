"""What an upgrade is to do and not to do in one environment. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from doctor.diagnosis.concern import concerns_environment
from doctor.diagnosis.finding import Finding
from doctor.diagnosis.remedy import NO_UPGRADE_CURES
from doctor.facts.environment import Environment
from doctor.facts.frozen import Frozen, replace
from doctor.knowledge.matrix import Matrix


class Aim(Frozen):
    """Which findings an upgrade is to clear, and what it may bring in return."""

    environment: Environment
    """As if no variable were set but those that are known to be: one that a text does not name seldom is."""
    held: frozenset[str]
    """All advisories that hold now: what an upgrade does not clear of these, it does not bring either."""
    targets: tuple[str, ...]
    """Those to be cleared."""
    tolerated: frozenset[str]
    """Those that may be brought where no release is without: they bite only what uses them, and nothing shown does."""


def assumed(environment: Environment) -> Environment:
    """The environment that an upgrade starts from: `Aim.environment`."""
    return replace(environment, variables_known=True)


def aim(
    environment: Environment,
    held: frozenset[str],
    matrix: Matrix,
    findings: Sequence[Finding],
    wanted: Callable[[Finding], bool],
    *,
    met: Container[str],
    strict: bool,
) -> Aim:
    """The aim of clearing the findings that are `wanted`, as far as an upgrade can cure them.

    `environment` is as `assumed` gives it, and `held` what holds in it; `met` are ids of advisories that the program shown sets off or
    may; `strict` tolerates nothing that is brought. Nothing is brought where there is nothing to clear.
    """
    curable = (each for each in findings if each.id in held and each.kind not in NO_UPGRADE_CURES and each.status != "cleared")
    targets = tuple(each.id for each in curable if wanted(each))
    exposures = (each.id for each in matrix.advisories if each.id not in met and not concerns_environment(each, environment))
    return Aim(environment, held, targets, frozenset(exposures) if targets and not strict else frozenset())
