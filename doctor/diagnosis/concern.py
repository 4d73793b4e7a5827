"""Whom an advisory concerns that holds in an environment. Pure."""

from __future__ import annotations

from collections.abc import Container

from doctor.diagnosis.finding import Concern
from doctor.facts.environment import Environment
from doctor.facts.observation import Observation
from doctor.knowledge.matrix import Advisory


def concern_of(
    advisory: Advisory, environment: Environment, observation: Observation | None, symptoms: Container[str], *, sure: bool = True
) -> Concern:
    """Whom `advisory` concerns. `symptoms` are the ids of those that a failure was seen to be a case of.

    A reproducer that failed here proves that the environment has it, whatever is run in it. One of which it is not `sure` that it
    holds is not said to be wrong with the environment.
    """
    if advisory.id in symptoms:
        return "program"
    reproduced = observation is not None and observation.verdict == "reproduced"
    if reproduced:
        return "environment"
    if not concerns_environment(advisory, environment):
        return "exposure"
    return "environment" if sure else "possible-use"


def concerns_environment(advisory: Advisory, environment: Environment) -> bool:
    """Whether it needs nothing of a program: packages that do not go together, or variables that set it off and are set."""
    if advisory.when.environment:
        return all(name in environment.variables for name in advisory.when.environment)
    return advisory.kind == "incompatibility" and bool(advisory.when.packages)
