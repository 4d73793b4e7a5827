"""Whom an advisory concerns that holds in an environment. Pure."""

from __future__ import annotations

from collections.abc import Container

from doctor.diagnosis.finding import Concern
from doctor.diagnosis.program import Walk
from doctor.facts.environment import Environment
from doctor.facts.observation import Observation
from doctor.knowledge.matrix import Advisory


def concern_of(
    advisory: Advisory,
    environment: Environment,
    observation: Observation | None,
    symptoms: Container[str],
    walk: Walk | None = None,
    *,
    sure: bool = True,
) -> Concern:
    """Whom `advisory` concerns. `symptoms` are the ids of those that a failure was seen to be a case of; `walk` is how the program that
    was shown sets it off, None when it does not, or none was shown.

    A reproducer that failed here proves that the environment has it, whatever is run in it. What is not `sure` to hold concerns nobody
    for certain.
    """
    if advisory.id in symptoms:
        return "program"
    if observation is not None and observation.verdict == "reproduced":
        return "environment" if walk is None else "program"
    if concerns_environment(advisory, environment):
        return "environment" if sure else "possible-use"
    if walk is None:
        return "exposure"
    return "program" if sure and not walk.missing else "possible-use"


def concerns_environment(advisory: Advisory, environment: Environment) -> bool:
    """Whether it needs nothing of a program: packages that do not go together, or variables that set it off and are set."""
    if advisory.when.environment:
        return all(name in environment.variables for name in advisory.when.environment)
    return advisory.kind == "incompatibility" and bool(advisory.when.packages)
